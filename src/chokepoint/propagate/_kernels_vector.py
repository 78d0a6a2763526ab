"""A vector of neighbouring lanes for compiled loops: arithmetic without relying on a vectoriser.

A loop over lanes that reads and writes a dozen arrays is left scalar by compilers, since any two
of the arrays may overlap. Here a loop body handles `width` lanes as one value in registers. Each
lane sees the same operations whatever is in its neighbours, none is reordered or fused.

Import this module only where numba is about to be used: numba takes a second to import.
"""

# numba ships no types worth the name.
# mypy: disable-error-code="no-untyped-call,misc,unused-ignore"

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from chokepoint import _jit as jit

__all__ = [
    "any_lane",
    "at",
    "compiled",
    "constant",
    "helper",
    "inlined",
    "larger",
    "load",
    "load_row",
    "number",
    "prefetch",
    "select",
    "smaller",
    "store",
    "store_row",
]

F = TypeVar("F", bound=Callable[..., Any])

# Loops own nothing: counting references to arrays that live as long as the run takes fifteen times
# what the arithmetic takes.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_jit: Any = njit


def compiled(function: F) -> F:
    """Compile on first use, and keep the result on disk."""
    return cast("F", jit.compiled(**_OPTIONS)(function))


def inlined(function: F) -> F:
    """Write into each caller before it is compiled: far sooner done than compiled apart."""
    return cast("F", _jit(inline="always", nogil=True, **_OPTIONS)(function))


def helper(function: F) -> F:
    """Compile for compiled callers only."""
    return cast("F", _jit(nogil=True, **_OPTIONS)(function))


class Vector(types.Type):
    """`width` numbers of one kind."""

    def __init__(self, kind: Any, width: int) -> None:
        self.kind, self.width = kind, width
        super().__init__(name=f"Vector({kind}, {width})")


class Mask(types.Type):
    """`width` truth values."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(name=f"Mask({width})")


def _element(kind: Any) -> Any:
    return ir.FloatType() if kind.bitwidth == 32 else ir.DoubleType()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(_element(kind.kind), kind.width))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), kind.width))


# ------------------------------------------------------------------------------ operators


def _spread(builder: Any, value: Any, width: int) -> Any:
    vector = ir.VectorType(value.type, width)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, _int(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), width), None)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def _int(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _pair(args: Any) -> Any:
    """Return the vector type of an operation on a vector and a vector or number."""
    if len(args) != 2:
        return None
    vectors = [one for one in args if isinstance(one, Vector)]
    others = [one for one in args if not isinstance(one, Vector)]
    if not vectors or any(one != vectors[0] for one in vectors):
        return None
    return vectors[0] if all(isinstance(one, types.Number) for one in others) else None


def _as_vector(context: Any, builder: Any, value: Any, given: Any, vector: Any) -> Any:
    if isinstance(given, Vector):
        return value
    return _spread(builder, context.cast(builder, value, given, vector.kind), vector.width)


def _register(op: Any, result: Callable[[Any], Any], build: Callable[..., Any]) -> None:
    """Let `op` work on vectors, and on a vector and a number."""

    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002  (numba's interface)
            vector = _pair(args)
            return None if vector is None else signature(result(vector), *args)

    infer_global(op)(Template)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = _pair(sig.args)
        values = [
            _as_vector(context, builder, value, given, vector)
            for value, given in zip(args, sig.args, strict=True)
        ]
        return build(builder, *values)

    for kinds in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(op, *kinds)(lower)


_ARITHMETIC = {
    operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv",
}  # fmt: skip
_COMPARISONS = {
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.eq: "==",
}  # fmt: skip


def _arithmetic(name: str) -> Callable[..., Any]:
    return lambda builder, a, b: getattr(builder, name)(a, b)


def _comparison(sign: str) -> Callable[..., Any]:
    return lambda builder, a, b: builder.fcmp_ordered(sign, a, b)


for _op, _name in _ARITHMETIC.items():
    _register(_op, lambda vector: vector, _arithmetic(_name))
for _op, _name in _COMPARISONS.items():
    _register(_op, lambda vector: Mask(vector.width), _comparison(_name))


def _register_logic(op: Any, name: str) -> None:
    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002  (numba's interface)
            if len(args) == 2 and isinstance(args[0], Mask) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    infer_global(op)(Template)
    lower_builtin(op, Mask, Mask)(
        lambda context, builder, sig, args: getattr(builder, name)(*args)  # noqa: ARG005
    )


_register_logic(operator.and_, "and_")
_register_logic(operator.or_, "or_")


class _Invert(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002  (numba's interface)
        return signature(args[0], args[0]) if isinstance(args[0], Mask) else None


infer_global(operator.invert)(_Invert)
lower_builtin(operator.invert, Mask)(lambda context, builder, sig, args: builder.not_(args[0]))  # noqa: ARG005


# ------------------------------------------------------------------- functions of vectors


def _choose(sign: str) -> Callable[..., Any]:
    def build(typing: Any, a: Any, b: Any) -> Any:  # noqa: ARG001  (numba's interface)
        vector = _pair((a, b))
        if vector is None:
            raise TypingError(f"no choice between {a} and {b}")

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            one, other = (
                _as_vector(context, builder, value, given, vector)
                for value, given in zip(args, sig.args, strict=True)
            )
            return builder.select(builder.fcmp_ordered(sign, one, other), one, other)

        return vector(a, b), codegen

    return build


smaller: Any = intrinsic(_choose("<"))
larger: Any = intrinsic(_choose(">"))


def _select(typing: Any, mask: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    if isinstance(mask, Mask) and isinstance(a, Mask) and a == b:
        return a(mask, a, b), lambda context, builder, sig, args: builder.select(*args)  # noqa: ARG005
    vector = _pair((a, b))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        one, other = (
            _as_vector(context, builder, value, given, vector)
            for value, given in zip(args[1:], sig.args[1:], strict=True)
        )
        return builder.select(args[0], one, other)

    return vector(mask, a, b), codegen


select: Any = intrinsic(_select)


def _any_lane(typing: Any, mask: Any) -> Any:  # noqa: ARG001
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ARG001
        bits = builder.bitcast(args[0], ir.IntType(mask.width))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(mask), codegen


any_lane: Any = intrinsic(_any_lane)


# ------------------------------------------------------------------------ reading and writing


def _pointer(context: Any, builder: Any, array: Any, value: Any, indices: Any, kind: Any) -> Any:
    """Return the address of an item of a C-contiguous array, without checks of the index."""
    struct = context.make_array(array)(context, builder, value)
    shape = cgutils.unpack_tuple(builder, struct.shape)
    position = indices[0]
    for size, index in zip(shape[1:], indices[1:], strict=True):
        position = builder.add(builder.mul(position, size), index)
    address = builder.gep(struct.data, [position])
    return address if kind is None else builder.bitcast(address, kind.as_pointer())


def _indices(context: Any, builder: Any, given: Any, args: Any) -> list[Any]:
    return [
        context.cast(builder, value, kind, types.intp)
        for value, kind in zip(args, given, strict=True)
    ]


def _vector_of(array: Any, wide: Any) -> Any:
    """Return the vector type; `wide` is a tuple as long as a vector has lanes."""
    if not isinstance(wide, types.UniTuple):
        raise TypingError("the width is told by the length of a tuple")
    return Vector(array.dtype, wide.count)


def _read(context: Any, builder: Any, array: Any, value: Any, indices: Any, vector: Any) -> Any:
    kind = ir.VectorType(_element(vector.kind), vector.width)
    address = _pointer(context, builder, array, value, indices, kind)
    return builder.load(address, align=array.dtype.bitwidth // 8)


def _load(typing: Any, array: Any, row: Any, part: Any, lane: Any, wide: Any) -> Any:  # noqa: ARG001
    vector = _vector_of(array, wide)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        indices = _indices(context, builder, sig.args[1:4], args[1:4])
        return _read(context, builder, array, args[0], indices, vector)

    return vector(array, row, part, lane, wide), codegen


def _load_row(typing: Any, array: Any, row: Any, lane: Any, wide: Any) -> Any:  # noqa: ARG001
    vector = _vector_of(array, wide)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        indices = _indices(context, builder, sig.args[1:3], args[1:3])
        return _read(context, builder, array, args[0], indices, vector)

    return vector(array, row, lane, wide), codegen


def _number(typing: Any, array: Any, row: Any, lane: Any, wide: Any) -> Any:  # noqa: ARG001
    vector = _vector_of(array, wide)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        indices = _indices(context, builder, sig.args[1:3], args[1:3])
        if array.ndim == 2:
            return _read(context, builder, array, args[0], indices, vector)
        address = _pointer(context, builder, array, args[0], indices[:1], None)
        return _spread(builder, builder.load(address), vector.width)

    return vector(array, row, lane, wide), codegen


def _write(context: Any, builder: Any, array: Any, value: Any, indices: Any, vector: Any) -> None:
    address = _pointer(context, builder, array, value, indices, vector.type)
    builder.store(vector, address, align=array.dtype.bitwidth // 8)


def _store(typing: Any, array: Any, row: Any, part: Any, lane: Any, vector: Any) -> Any:  # noqa: ARG001
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        indices = _indices(context, builder, sig.args[1:4], args[1:4])
        _write(context, builder, array, args[0], indices, args[4])
        return context.get_dummy_value()

    return types.none(array, row, part, lane, vector), codegen


def _store_row(typing: Any, array: Any, row: Any, lane: Any, vector: Any) -> Any:  # noqa: ARG001
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        indices = _indices(context, builder, sig.args[1:3], args[1:3])
        _write(context, builder, array, args[0], indices, args[3])
        return context.get_dummy_value()

    return types.none(array, row, lane, vector), codegen


def _at(typing: Any, array: Any, row: Any) -> Any:  # noqa: ARG001
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        indices = _indices(context, builder, sig.args[1:], args[1:])
        value = builder.load(_pointer(context, builder, array, args[0], indices, None))
        return context.cast(builder, value, array.dtype, types.intp)

    return types.intp(array, row), codegen


def _constant(typing: Any, value: Any, array: Any, wide: Any) -> Any:  # noqa: ARG001
    vector = _vector_of(array, wide)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _as_vector(context, builder, args[0], sig.args[0], vector)

    return vector(value, array, wide), codegen


def _prefetch(typing: Any, array: Any, row: Any, lane: Any) -> Any:  # noqa: ARG001
    """Ask for row `row` of an array with three axes."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        indices = _indices(context, builder, sig.args[1:], args[1:])
        indices = [indices[0], ir.Constant(ir.IntType(64), 0), indices[1]]
        address = _pointer(context, builder, array, args[0], indices, ir.IntType(8))
        kinds = [address.type, ir.IntType(32), ir.IntType(32), ir.IntType(32)]
        # Older versions of llvmlite know no opaque pointers.
        opaque = getattr(address.type, "is_opaque", False)
        name = "llvm.prefetch.p0" if opaque else "llvm.prefetch.p0i8"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), name
        )
        builder.call(function, [address, _int(1), _int(3), _int(1)])
        return context.get_dummy_value()

    return types.none(array, row, lane), codegen


load: Any = intrinsic(_load)
load_row: Any = intrinsic(_load_row)
number: Any = intrinsic(_number)
constant: Any = intrinsic(_constant)
store: Any = intrinsic(_store)
store_row: Any = intrinsic(_store_row)
at: Any = intrinsic(_at)
prefetch: Any = intrinsic(_prefetch)
