"""What a page says and offers if the images are missing on which its networks were trained."""

from __future__ import annotations

import streamlit as st

from app.backend import classifiers
from app.backend.catalogue import Loaded
from app.backend.visitors import is_visitor
from app.backend.words import plain, sentence
from app.ui import page

ICON = ":material/image_not_supported:"


def say_missing(loaded: Loaded, purpose: str, unnamed: str, command: str) -> None:
    """Say that the images are missing, and how to get them.

    Args:
        purpose: what they are needed for, to follow "CIFAR-10 is not here; ".
        unnamed: what to do if the images are a folder that the zoo does not name, before `command` is shown.
    """
    title = classifiers.data_title(loaded)
    if is_visitor():
        st.info(f"{plain(title)} is not here; {purpose}", icon=ICON)
        return
    if classifiers.download_command(loaded) is None:
        st.info(f"These networks were trained on {title}; the zoo does not say where it is. {unnamed}", icon=ICON)
        page.show_command(command)
        return
    st.info(
        f"{title} is not here; {purpose} Download it with this command or the button, or name a folder that holds it "
        "in NETSPACE_DATA.",
        icon=ICON,
    )
    offer_images(loaded)


def offer_images(loaded: Loaded) -> None:
    """The command that downloads the images, and a button that does the same; nothing for visitors."""
    if is_visitor():
        return
    title, command = classifiers.data_title(loaded), classifiers.download_command(loaded)
    left, right = st.columns([4, 1], vertical_alignment="center")
    page.show_command(command, place=left)
    if page.button(f"Download {title}", "images_download", right, icon=":material/download:", width="stretch"):
        try:
            with st.spinner(f"Downloading {title} …"):
                classifiers.download(loaded)
            st.rerun()
        except ValueError as error:
            st.error(plain(sentence(error)))
