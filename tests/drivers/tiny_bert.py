"""Run by the engine's interpreter: a tiny random BERT that ranks, and one that classifies."""

import sys
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (*SPECIAL, "a", "fine", "day", "lease", "ends", "server", "stops", "when", ".", "?")


for name, labels in (("ranker", 1), ("classifier", 3)):
    folder = Path(sys.argv[1]) / name
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), num_labels=labels, max_position_embeddings=128, num_hidden_layers=2,
        # vLLM's attention on a CPU has no heads narrower than 32.
        hidden_size=64, num_attention_heads=2, intermediate_size=64,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
