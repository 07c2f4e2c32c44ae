"""Bundles: what the app shows as one HTML file that opens without it, or as a zip of a folder if that is too large.

`backend.bundles` gathers what one holds, `frontend/page/` is the page, `writing` puts both together.
`python -m app.bundle` does so for the command `netspace bundle`.
"""
