# SPDX-License-Identifier: MIT
"""Lists in pages. The token names the last one shown, so that what comes or
goes between two pages neither repeats nor hides the others."""

import base64

from .wire import AwsError

FIRST = "first"  # a token too: of the first page


def page(items, size, token, name, error):
    """(items of this page, next token or None). items keep their order."""
    if token and token != FIRST:
        try:
            last = base64.urlsafe_b64decode(token.encode()).decode()
            start = [name(item) for item in items].index(last) + 1
        except ValueError:
            raise AwsError(error, "The token is invalid") from None
        items = items[start:]
    shown = items[:size]
    if len(items) <= size:
        return shown, None
    return shown, base64.urlsafe_b64encode(name(shown[-1]).encode()).decode()
