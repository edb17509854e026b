"""Parameters of the vision tower of a multimodal model, and of what ties it to the language model.

Towers are 0.3 to 6 billion parameters: a per cent or two of most models, so one formula of a
vision transformer serves all of them.
"""

from __future__ import annotations

from msgspec import Struct

from aim_jupyter.core.checkpoint.fields import Fields

MOST_MERGED = 32  # patches along one side of what becomes a token
_GATED = ("pixtral", "qwen2_5_vl", "gemma4_vision")
# vLLM has each GPU hold all of it: of the tower, and of what ties it to the language model.
_ALONE = ("gemma4_vision",)
_BRIDGED_ALONE = ("moonvit",)


class Tower(Struct, frozen=True):
    """Parameters beside the language model.

    Attributes
    ----------
    shared, whole : int
        Those of which each GPU holds its share, and those of which each holds all.
    rows : int
        Of the matrices that are shared.
    """

    shared: int = 0
    whole: int = 0
    rows: int = 0


def tower_of(fields: Fields, text_hidden: int) -> Tower:
    """Return the parameters beside the language model.

    A transformer layer holds four square projections and an MLP of two matrices, of three where it
    is gated. Nothing is known of a tower without a width and a depth: that counts 0.
    """
    width = fields.optional("embed_dim", "vt_hidden_size", "hidden_size", "width")
    depth = fields.optional("depth", "vt_num_hidden_layers", "num_hidden_layers", "layers")
    if width is None or depth is None:
        return Tower()
    if fields.has("embed_dim"):  # Qwen2-VL calls the language model's width hidden_size
        ratio = fields.size("mlp_ratio", default=4, most=64)
        inner = ratio * width
    else:
        inner = fields.size("intermediate_size", "vt_intermediate_size", default=4 * width)
    kind = fields.get("model_type")
    mlp = (3 if kind in _GATED else 2) * width * inner
    layers = depth * (4 * width * width + mlp)
    ends = _patches(fields, width) + _positions(fields, width)
    shared, whole = _bridge(fields, width, text_hidden)
    if kind in _ALONE:
        return Tower(0, layers + ends + width * text_hidden)
    rows = depth * (5 * width + (2 if kind in _GATED else 1) * inner)
    return Tower(layers + shared, ends + whole, rows)


def _positions(fields: Fields, width: int) -> int:
    """Return the parameters of learned positions, of which there is one for each patch."""
    both = fields.optional("position_embedding_size")
    if both is not None:
        return 2 * both * width
    said = fields.optional("num_position_embeddings")
    image, patch = fields.get("image_size"), fields.get("patch_size")
    sides = type(image) is int and type(patch) is int and 0 < patch <= image <= MOST_SIDE
    return (said or ((image // patch) ** 2 if sides else 0)) * width


MOST_SIDE = 2**14  # pixels


def _patches(fields: Fields, width: int) -> int:
    patch = fields.size("patch_size", default=14, most=256)
    frames = fields.size("temporal_patch_size", default=1, most=16)
    return 3 * patch * patch * frames * width


def _bridge(fields: Fields, width: int, text_hidden: int) -> tuple[int, int]:
    """Return the parameters that bring patches to the width of the language model.

    Those that GPUs share, and those that each holds. Patches are merged in squares first. Models
    with `deepstack_visual_indexes` have one more such bridge for each of those.
    """
    merge = fields.get("spatial_merge_size", "merge_kernel_size")
    side = merge if type(merge) is int and 0 < merge < MOST_MERGED else 2 if merge else 1
    merged = side * side * width
    kind = fields.get("model_type")
    if kind == "pixtral":
        # vLLM mistral3.py: ``merging_layer`` is a plain matrix, the two after it are cut.
        return text_hidden * (width + text_hidden), merged * width if side > 1 else 0
    deep = len(fields.numbers("deepstack_visual_indexes"))
    own = (1 + deep) * merged * (merged + text_hidden)
    return (0, own) if kind in _BRIDGED_ALONE else (own, 0)
