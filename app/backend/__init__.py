"""All that the front end knows of the library, which nothing outside of this folder imports: ids and numbers go in,
bytes and dataclasses come out.
"""
