from typing import Any

ffi: Any
ABI: str
