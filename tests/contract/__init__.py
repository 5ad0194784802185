"""The session contract of README.md, held by every generated project under its real framework.

Each project is rendered, started with the Python of an environment that has the framework from
PyPI, and spoken to over HTTP; its model is the local server of `fake_models`.
"""
