"""What every page's state obeys: fields, the link, notices and the widgets bound to a field."""

import json
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app.ui import page


def page_of_three(options: tuple[str, ...] = ("first", "second", "third")) -> None:
    """A page with a word and a number in its link, and a switch beside it."""
    import streamlit as st

    from app.ui import page
    from app.ui.links import one_of

    def whole(text: str) -> int:
        if not text.isdigit():
            raise ValueError(f"“{text}” is no number.")
        return int(text)

    class Three(page.PageState):
        word = page.PageField(
            lambda state: options[0],
            link="word",
            check=one_of(lambda state: options, "There is no {}; showing another."),
        )
        number = page.PageField(0, link="number", parse=whole, terse=True)
        open = page.PageField(False)
        alone = page.PageField(False)

    before = Three.kept("three")
    if before.alone:  # a part of the page has run alone
        before.alone = False
        page.refresh()
    page.begin_run()
    state = Three("three")
    page.write_link(state.link())
    page.show_notices()
    st.radio("Word", options, **state.widget("word", then=lambda: state.change(open=True)))
    st.segmented_control("Number", [0, 1, 2], **state.widget("number"))
    st.button("Open", on_click=state.change, kwargs={"open": True})
    st.button("Wrong", on_click=state.change, kwargs={"opened": True})
    st.button("Swap", on_click=page.adopt)
    st.json({"word": state.word, "number": state.number, "open": state.open, "version": page.state_version()})


def opened(link: dict[str, str] | None = None, **given) -> AppTest:
    at = AppTest.from_function(page_of_three, kwargs=given, default_timeout=240)
    for name, value in (link or {}).items():
        at.query_params[name] = value
    return at.run()


def values(at: AppTest) -> dict:
    assert not at.exception, at.exception
    return json.loads(at.json[0].value)


def link_of(at: AppTest) -> dict[str, str]:
    return {key: value if isinstance(value, str) else value[0] for key, value in at.query_params.items()}


def test_a_field_begins_with_its_default_and_a_terse_one_is_not_in_the_link():
    at = opened()
    assert values(at) == {"word": "first", "number": 0, "open": False, "version": 0}
    assert link_of(at) == {"word": "first"}


def test_a_field_takes_what_the_link_says_parsed():
    at = opened({"word": "second", "number": "2", "open": "True", "of-no-field": "1"})
    assert values(at) == {"word": "second", "number": 2, "open": False, "version": 0}
    assert link_of(at) == {"word": "second", "number": "2"} and not at.warning


@pytest.mark.parametrize(
    ("link", "sentence"),
    [({"word": "fourth"}, "There is no “fourth”; showing another."), ({"number": "two"}, "“two” is no number.")],
)
def test_what_a_link_may_not_say_is_told_once_and_the_default_taken(link, sentence):
    at = opened(link)
    assert [warning.value for warning in at.warning] == [sentence]
    assert values(at)["word"] == "first" and values(at)["number"] == 0
    assert not at.run().warning


def test_a_kept_value_that_is_not_allowed_any_more_is_dropped_without_a_word():
    at = opened({"word": "third"})
    at.session_state["three.word"] = "fourth"
    at.run()
    assert values(at)["word"] == "first" and not at.warning


def test_a_widget_shows_its_field_and_changes_it():
    at = opened({"word": "second"})
    assert at.radio[0].value == "second"
    at.radio[0].set_value("third").run()
    assert values(at) == {"word": "third", "number": 0, "open": True, "version": 0}, "`then` is called after the change"
    assert link_of(at) == {"word": "third"}


def test_a_widget_is_told_its_value_only_where_it_shows_another():
    """What is set is sent to the browser, where it would replace what its user types meanwhile."""
    at = opened({"word": "second"})
    assert at.radio[0].proto.set_value
    at.radio[0].set_value("third").run()
    assert values(at)["word"] == "third" and not at.radio[0].proto.set_value
    at.session_state["three.word"] = "first"
    at.run()
    assert values(at)["word"] == at.radio[0].value == "first" and at.radio[0].proto.set_value


def test_clicking_the_chosen_button_again_chooses_nothing_else():
    at = opened({"number": "2"})
    at.get("button_group")[0].set_value([]).run()
    assert values(at)["number"] == 2


def test_only_fields_can_be_changed():
    at = opened()
    at.button[0].click().run()
    assert values(at)["open"] is True
    at.button[1].click().run()
    assert "Three has no field opened" in at.exception[0].message


def test_going_back_drops_what_the_link_holds_and_only_that(monkeypatch):
    at = opened({"word": "second"})
    at.button[0].click().run()
    monkeypatch.setattr(page, "went_back", lambda: True)
    at.query_params["word"] = "third"
    at.run()
    assert values(at) == {"word": "third", "number": 0, "open": True, "version": 1}


def test_what_went_back_is_what_the_browser_says(monkeypatch):
    context = SimpleNamespace(is_history_navigation=True)
    monkeypatch.setattr(page, "get_script_run_ctx", lambda: context)
    assert page.went_back()
    context.is_history_navigation = False
    assert not page.went_back()


def test_a_link_that_is_late_is_no_way_back():
    """Whatever asked for the run: nothing but the browser's own word says that its user went back."""
    at = opened({"word": "second"})
    at.radio[0].set_value("third").run()
    at.query_params["word"] = "second"  # of the newest link the browser has not heard
    at.run()
    assert values(at)["word"] == "third" and link_of(at) == {"word": "third"}


def interrupted(where: str) -> None:
    """A page two buttons of which are clicked, and of which another run is asked for meanwhile."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from app.ui import page

    class Count(page.PageState):
        changes = page.PageField(0)
        clicks = page.PageField(0)
        runs = page.PageField(0)

    def interrupt(at: str) -> None:
        if at == where and not state.runs:
            state.runs = 1
            get_script_run_ctx().script_requests.request_rerun(RerunData())

    def changed() -> None:
        interrupt("callback")
        state.change(changes=state.changes + 1)

    state = Count("count")
    st.button("Change", on_click=changed)
    if Count.kept("count").changes:
        interrupt("run")
        st.write("here a run may end")
    if page.button("Go", "go"):
        state.clicks += 1
    st.json({"changes": state.changes, "clicks": state.clicks, "runs": state.runs})


@pytest.mark.parametrize("where", ["callback", "run"])
def test_a_click_is_answered_though_another_run_interrupts(where):
    at = AppTest.from_function(interrupted, args=(where,), default_timeout=240).run()
    at.button[0].click()
    at.button[1].click()
    at.run()
    assert values(at) == {"changes": 1, "clicks": 1, "runs": 1}


def test_a_notice_stays_when_the_page_is_refreshed():
    at = opened({"word": "fourth"})
    at.session_state["three.alone"] = True
    assert [warning.value for warning in at.run().warning] == ["There is no “fourth”; showing another."]
    assert not at.run().warning


def test_views_adopt_the_state_when_something_else_has_changed_it():
    at = opened()
    at.button[2].click().run()
    assert values(at)["version"] == 1


def page_of_parts() -> None:
    """A page with a list and a dictionary, each item of which has a widget, and buttons that act on them."""
    import streamlit as st

    from app.ui import page

    class Parts(page.PageState):
        names = page.PageField(lambda state: ["a", "b"])
        answers = page.PageField(lambda state: {"one": "", "two": ""})
        others = page.PageField(lambda state: ["b", "d"])
        word = page.PageField("")
        saved = page.PageField("")

    def save() -> None:
        with page.problems_noticed():
            if not state.typed("word"):
                raise ValueError("a word is needed")
            state.saved = state.typed("word")

    page.begin_run()
    state = Parts("parts")
    page.show_notices()
    for k in range(2):
        st.selectbox(f"Network {k}", ["a", "b", "c"], **state.widget("names", k))
    for key in state.answers:
        st.text_input(key, **state.widget("answers", key))
    st.button("Save", on_click=save)
    st.text_input("word", **state.widget("word"))
    st.multiselect("Others", ["b", "c"], **state.widget("others", shown=state.others[:1]))
    st.json(
        {
            "names": state.names,
            "others": state.others,
            "answers": state.answers,
            "saved": state.once("saved"),
            "later": state.saved,
        }
    )


def test_a_widget_of_one_item_changes_that_item_alone():
    at = AppTest.from_function(page_of_parts, default_timeout=240).run()
    before = values(at)
    at.selectbox[1].set_value("c").run()
    assert values(at)["names"] == ["a", "c"]
    at.text_input[0].set_value("yes").run()
    assert values(at)["answers"] == {"one": "yes", "two": ""} and at.text_input[0].value == "yes"
    assert before["names"] == ["a", "b"]


def test_a_widget_may_show_something_else_than_its_field():
    at = AppTest.from_function(page_of_parts, default_timeout=240).run()
    assert at.multiselect[0].value == ["b"] and values(at)["others"] == ["b", "d"]
    at.multiselect[0].set_value(["c"]).run()
    assert values(at)["others"] == ["c"]


def test_a_click_reads_what_is_typed_and_tells_what_is_wrong_with_it():
    at = AppTest.from_function(page_of_parts, default_timeout=240).run()
    at.button[0].click().run()
    assert [warning.value for warning in at.warning] == ["A word is needed."] and values(at)["saved"] == ""
    at.text_input[2].set_value("mine")
    at.button[0].click().run()
    assert values(at)["saved"] == "mine" and not at.warning, "read from the widget, whichever is called first"
    assert values(at)["later"] == "", "a value that is used once is gone then"
    assert values(at.run())["saved"] == ""


def test_a_change_of_a_widget_that_is_gone_meanwhile_changes_nothing(monkeypatch):
    store = {}
    monkeypatch.setattr(page, "STORE", store)

    class Left(page.PageState):
        word = page.PageField("first")

    state = Left("left")
    changed = state.widget("word")["on_change"]
    del store["left.word.widget"]
    changed()
    assert state.word == "first"
