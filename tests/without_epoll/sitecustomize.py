"""Makes a Python on Linux look as if its system had no epoll: see `make test-without-epoll`."""

import select

del select.epoll
