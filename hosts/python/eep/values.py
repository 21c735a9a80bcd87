"""values.py: Python values into requests, and results into Python values.

fill() writes keyword arguments into a request; everything that the request points to hangs on the request, so it lives as long.
copied() makes a plain object of a result, with nothing that points into the plugin: copy, then clear.
"""
import ctypes
import difflib
from types import SimpleNamespace

from . import abi


_NUMBERS = (ctypes.c_int32, ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64)


def _text(value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def _span(kind, value, keep):
    """An eep_str or eep_bytes. Absent is ptr NULL; empty is not absent."""
    data = bytes(value) if isinstance(value, (bytearray, memoryview)) else _text(value)
    buffer = ctypes.create_string_buffer(data, max(len(data), 1))
    keep.append(buffer)
    return kind(ctypes.addressof(buffer), len(data))


def _element(kind, value, keep):
    if kind in (abi.Str, abi.Bytes):
        return _span(kind, value, keep)
    element = kind()
    for name, field in value.items():
        _set(element, name, field, keep)
    return element


def _array(kind, values, keep):
    if kind is abi.Pair and isinstance(values, dict):
        values = [{"name": name, "value": value} for name, value in values.items()]
    array = (kind * len(values))(*[_element(kind, value, keep) for value in values])
    keep.append(array)
    return array


def _unknown(struct, name):
    head = dict(struct._fields_).get("head")
    fields = list(struct._fields_) + list(getattr(head, "_fields_", []))
    near = difflib.get_close_matches(name, [field for field, _ in fields], 1)
    return TypeError("there is no %s in %s%s" % (name, type(struct).__name__, "; did you mean %s?" % near[0] if near else ""))


def _set(struct, name, value, keep):
    kind = dict(struct._fields_).get(name)
    if kind is None:
        raise _unknown(struct, name)
    if value is None:
        return
    if kind in (abi.Str, abi.Bytes):
        setattr(struct, name, _span(kind, value, keep))
    elif hasattr(kind, "contents"):  # a pointer to the elements of an array
        array = _array(kind._type_, value, keep)
        setattr(struct, name, ctypes.cast(array, kind))
        setattr(struct, abi.singular(name) + "_count", len(array))
        setattr(struct, abi.singular(name) + "_stride", ctypes.sizeof(kind._type_))
    else:
        setattr(struct, name, value)
        if kind in _NUMBERS and getattr(struct, name) != value:  # ctypes takes its lowest bits
            raise OverflowError("%s is out of range: %d" % (name, value))


def fill(request, head=None, **fields):
    """Sets struct_size and all fields; None leaves a default alone. `head` holds fields of eep_request."""
    request.keep = []
    target = request.head if hasattr(request, "head") else request
    target.struct_size = ctypes.sizeof(request)
    for name, value in (head or {}).items():
        _set(target, name, value, request.keep)
    for name, value in fields.items():
        _set(request, name, value, request.keep)
    return request


def _elements(struct, name, kind):
    """The elements of a result's array: step by its stride, an older plugin's elements are shorter."""
    first = ctypes.cast(getattr(struct, name), ctypes.c_void_p).value
    stride = getattr(struct, abi.singular(name) + "_stride")
    for i in range(getattr(struct, abi.singular(name) + "_count")):
        element = kind()
        ctypes.memmove(ctypes.byref(element), first + i * stride, min(stride, ctypes.sizeof(kind)))
        yield copied_value(element, kind)


def copied_value(value, kind):
    if kind in (abi.Str, abi.Bytes):
        if value.ptr is None:
            return None
        data = ctypes.string_at(value.ptr, value.len)
        return data if kind is abi.Bytes else data.decode("utf-8", "surrogateescape")
    return copied(value) if issubclass(kind, ctypes.Structure) else value


def copied(struct):
    """A plain object with the struct's fields; `flags` comes from its head."""
    plain = SimpleNamespace()
    for name, kind in struct._fields_:
        if name == "head":
            plain.flags = struct.head.flags
        elif hasattr(kind, "contents"):
            setattr(plain, name, list(_elements(struct, name, kind._type_)))
        elif not name.endswith(("_count", "_stride")) and name != "reserved":
            setattr(plain, name, copied_value(getattr(struct, name), kind))
    return plain
