"""Networks as images: the weights of a network, what the space decodes for it, and where the two differ."""

import streamlit as st

from app import frame
from app.session import catalogue, preps

state = st.session_state
loaded = frame.loaded(frame.ANYTHING)
names, cards = loaded.names, catalogue.cards(loaded)
known = frame.one_of(names, f"There is no network {{}} in the zoo {loaded.zoo_info.id}; showing another.")
i = names.index(frame.linked("image_network", "network", names[0], known))
frame.write_link({"space": loaded.space_info.id, "zoo": loaded.zoo_info.id, "network": names[i]})
frame.notices()


def take() -> None:
    state["image_network"] = state["image_network_box"]
    frame.acted()


state["image_network_box"] = names[i]
left, right = st.columns([2, 3], vertical_alignment="center")
left.selectbox(
    "Network",
    names,
    key="image_network_box",
    format_func=lambda name: f"{name} · {cards[names.index(name)].split}",
    label_visibility="collapsed",
    on_change=take,
)
right.caption(cards[i].words)

shown = preps.pictures(loaded, i)
for title, picture, words in (
    ("Original", shown.original, f"root mean square {shown.rms:.4f}"),
    ("Decoded from its embedding", shown.decoded, catalogue.reads_note(loaded)),
    ("Decoded minus original", shown.difference, f"root mean square {shown.error:.4f}"),
):
    st.markdown(f"##### {title}")
    st.image(picture, width="stretch")
    st.caption(words)
st.caption(
    f"Every pixel is a parameter, in the order in which the PRep holds them, folded into rows of {preps.FOLD}. Blue is "
    f"negative, red positive; colours saturate at ±{shown.scale:.3f} in all three."
)
st.dataframe(shown.layers, hide_index=True)
