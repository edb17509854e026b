"""The deploy panel: choose, launch and watch by clicks, over the same core as every verb.

`state` is what it shows and how that changes, pure; `controller` asks the core and knows no
widgets; `view` and its pages are controls of ipywidgets, imported only when a panel is opened.
"""
