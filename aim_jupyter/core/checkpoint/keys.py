"""What configs call the same thing, each in the order in which vLLM looks for it.

Source: ``attribute_map`` of transformers' config classes and vLLM 0.32's
``transformers_utils/model_arch_config_convertor.py``.
"""

QUANTIZATION = ("quantization_config", "compression_config")
# Where multimodal configs keep that of their language model.
TEXT_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
LENGTHS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
HIDDEN = ("hidden_size", "n_embd", "d_model")
HEADS = ("num_attention_heads", "n_head", "n_heads")
KV_HEADS = ("num_key_value_heads", "num_kv_heads")
HEAD = ("head_dim", "attention_head_dim")
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
EXPERT_SIZE = ("moe_intermediate_size", "expert_intermediate_size", "intermediate_size")
PER_TOKEN = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "experts_per_token",
    "top_k_experts",
    "moe_k",
)
PREDICTING = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules")
SHARED = ("n_shared_experts", "num_shared_experts")
# No class fills in one name where a config says another of the same thing.
SAME = (
    LENGTHS,
    LAYERS,
    HIDDEN,
    HEADS,
    KV_HEADS,
    HEAD,
    EXPERTS,
    PER_TOKEN,
    SHARED,
    ("intermediate_size", "ffn_dim", "n_inner"),
    ("mamba_num_heads", "mamba_n_heads"),
    ("mamba_head_dim", "mamba_d_head"),
    ("n_groups", "mamba_n_groups"),
    ("ssm_state_size", "mamba_d_state", "state_size"),
    ("conv_kernel", "mamba_d_conv"),
    ("mamba_expand", "expand"),
    ("mamba_dt_rank", "time_step_rank"),
    ("layer_types", "layers_block_type", "hybrid_override_pattern", "num_hidden_layers"),
)
