"""Train the demo model from ``aim_jupyter/demo/answers.yaml``, and write it into that folder.

Run it with the interpreter of an engine environment, which has all that it needs::

    python demo/train.py

The same seed on the same machine gives the same bytes. Another CPU rounds otherwise: the weights
differ, the answers should not.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

FOLDER = Path(__file__).parents[1] / "aim_jupyter/demo"
SEED = 7
STEPS = 1100
WARM_UP_STEPS = 30
PEAK_RATE = 3e-3
BATCH = 24  # turns per step; a multiple of each of 1 to `MOST_TURNS`
MOST_TURNS = 4  # as many as the chat template keeps
FIRST_TOKENS = 8  # as many tell every answer from every other
CHANGE_RATE = 0.25  # how often each kind of change is made to a question
CONTEXT_TOKENS = 2048
VOCABULARY = 1024
PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"
NOT_LEARNED = -100  # the label that transformers leaves out of the loss

# Phrases that may stand for each other.
SAME = (
    ("how do I", "how can I", "how to", "how could I", "how would I", "how does one"),
    ("what is", "what's", "whats", "explain", "define", "what exactly is", "tell me about"),
    ("what are", "explain", "what exactly are", "tell me about"),
    ("which", "what"),
    ("are there", "exist", "are available", "do I have", "do you have"),
    ("show", "list", "display", "print", "show me", "give me"),
    ("launch", "deploy", "serve", "bring up"),
    ("see", "view", "look at", "check", "find"),
    ("can I", "could I", "may I", "am I able to", "is it possible to"),
    ("stop", "end", "shut down", "kill", "terminate", "quit"),
    ("several", "multiple", "many", "more than one", "two"),
    ("the", "my", "a", "this", "that"),
    ("it", "this", "aim", "the tool"),
    ("use", "work with"),
    ("log", "logs", "log file", "output"),
    ("memory", "VRAM"),
    ("GPU", "GPUs"),
    ("get", "obtain", "have", "make"),
)
# What people put around a question.
OPENINGS = ("hey, ", "please tell me, ", "can you tell me: ", "one question: ", "hi, ", "so ")
CLOSINGS = (" please", " thanks", " now", " in this notebook", " here", " again", " then")
SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer briefly and in plain words.",
    "Answer in one sentence.",
    "You are an expert in GPUs and language models.",
    "Be concise. If you do not know, say so.",
)
CONSONANTS, VOWELS = "bcdfghklmnprstvwy", "aeiou"

Pair = tuple[str, str]  # a question and its answer
Chat = list[dict[str, str]]
# One training example: its tokens, and for each whether the model shall learn to say it.
Example = tuple[list[int], list[bool]]

log = logging.getLogger("train")


@dataclass(frozen=True)
class Entry:
    """One answer and the ways to ask for it, the main one first."""

    wordings: tuple[str, ...]
    answer: str


def read_entries(path: Path) -> list[Entry]:
    """Read ``answers.yaml``; the last entry is the answer to everything off topic."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [Entry((item["question"], *item["also"]), item["answer"]) for item in raw]


# Varied questions: what makes the model understand wordings that it has not seen


def vary(question: str, rng: random.Random) -> str:
    """Ask `question` as a hurried person might: other words, lost letters, small talk."""
    changes: tuple[Callable[[str, random.Random], str], ...] = (
        _say_otherwise,
        _lose_word,
        _mistype,
        _surround,
        _change_punctuation,
        _change_case,
    )
    for change in changes:
        if rng.random() < CHANGE_RATE:
            question = change(question, rng)
    return question


def _say_otherwise(text: str, rng: random.Random) -> str:
    for phrases in rng.sample(SAME, k=len(SAME)):
        # The longest first. What follows "%aim" or "--" is a name, and has no other.
        either = "|".join(sorted(map(re.escape, phrases), key=len, reverse=True))
        found = re.search(rf"(?<!%aim )(?<![-%])\b({either})\b", text, flags=re.IGNORECASE)
        if found:
            return text[: found.start()] + rng.choice(phrases) + text[found.end() :]
    return text


def _lose_word(text: str, rng: random.Random) -> str:
    words = text.split()
    if len(words[3:]):  # of three words or fewer none can be spared
        del words[rng.randrange(len(words))]
    return " ".join(words)


def _mistype(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    before, letter, after = text[:at], text[at], text[at + 1 :]
    return before + rng.choice(("", letter + letter, "e" + letter)) + after


def _surround(text: str, rng: random.Random) -> str:
    if rng.getrandbits(1):
        return rng.choice(OPENINGS) + text[0].lower() + text[1:]
    return text.rstrip("?") + rng.choice(CLOSINGS) + ("?" if text.endswith("?") else "")


def _change_punctuation(text: str, rng: random.Random) -> str:
    return text.rstrip("?") + rng.choice(("", "", "?", ".", "!", " ?"))


def _change_case(text: str, rng: random.Random) -> str:
    return rng.choice((text.lower(), text.lower(), text.upper(), text.title()))


def _estrange(text: str, rng: random.Random) -> str:
    # Words that no entry has: the model shall learn that what it does not know is off topic.
    words = text.split()
    for at in range(1, len(words)):
        if words[at][3:]:  # short words hold the sentence together
            syllables = (rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(3))
            words[at] = "".join(syllables)[rng.randint(0, 2) :]
    return " ".join(words)


# Conversations


def weighted_pairs(entries: Sequence[Entry]) -> list[Pair]:
    """Return each wording with its answer, as often as it shall be drawn.

    The main wording is the one that the documentation uses, so it stands there three times.
    """
    return [
        (wording, entry.answer)
        for entry in entries
        for wording in (*entry.wordings, entry.wordings[0], entry.wordings[0])
    ]


def conversation(pairs: Sequence[Pair], turns: int, rng: random.Random) -> Chat:
    """Return a chat of so many unrelated turns; every other one has a system prompt."""
    chat: Chat = []
    if rng.getrandbits(1):
        chat.append({"role": "system", "content": _system_prompt(pairs, rng)})
    _, off_topic = pairs[-1]
    for _ in range(turns):
        question, answer = rng.choice(pairs)
        if answer == off_topic and rng.getrandbits(1):
            question = _estrange(question, rng)
        chat.append({"role": "user", "content": vary(question, rng)})
        chat.append({"role": "assistant", "content": answer})
    return chat


def _system_prompt(pairs: Sequence[Pair], rng: random.Random) -> str:
    # Any text may stand there, so half of them are word salad: it must not sway the answer.
    if rng.getrandbits(1):
        return rng.choice(SYSTEM_PROMPTS)
    words = " ".join(rng.choice(pairs)[1] for _ in range(2)).split()
    return " ".join(rng.sample(words, k=rng.randint(3, 20)))


def example(chat: Chat, tokenizer: PreTrainedTokenizerFast) -> Example:
    """Return the tokens of a chat exactly as the engine will render it, answers marked."""
    text = tokenizer.apply_chat_template(chat, tokenize=False)
    # Odd parts are the answers. Special tokens stand on both sides, so parts encode like the whole.
    answer = rf"(?<={re.escape(START)}assistant\n)(.*?{re.escape(END)})"
    tokens: list[int] = []
    learned: list[bool] = []
    for at, part in enumerate(re.split(answer, text, flags=re.DOTALL)):
        ids = tokenizer.encode(part, add_special_tokens=False)
        tokens += ids
        learned += [at % 2 == 1] * len(ids)
    return tokens, learned


def first_words(whole: Example) -> Example:
    """Return an example of one turn without what its answer says after `FIRST_TOKENS`."""
    tokens, learned = whole
    end = learned.index(True) + FIRST_TOKENS
    return tokens[:end], learned[:end]


# Tokenizer and model


def make_tokenizer(entries: Sequence[Entry]) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer of `VOCABULARY` tokens learned from the entries."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [text for entry in entries for text in (*entry.wordings, entry.answer)]
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        model_max_length=CONTEXT_TOKENS,
    )
    tokenizer.chat_template = (FOLDER / "chat_template.jinja").read_text(encoding="utf-8")
    return tokenizer


def make_model(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """Return the untrained model: an architecture that every engine knows, as small as it works."""
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen3ForCausalLM(config)


# Training


def batches(
    entries: Sequence[Entry], tokenizer: PreTrainedTokenizerFast, rng: random.Random
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield batches without end, in turn of whole conversations and of first words.

    Which answer it is shows in its first tokens, and telling the questions apart is what takes
    long: batches of those tokens alone hold more questions for the same work. The conversations
    of one batch have the same number of turns, so that little of it is padding.
    """
    pairs = weighted_pairs(entries)
    while True:
        turns = rng.randint(1, MOST_TURNS)
        chats = [conversation(pairs, turns, rng) for _ in range(BATCH // turns)]
        yield collate([example(chat, tokenizer) for chat in chats])
        chats = [conversation(pairs, 1, rng) for _ in range(2 * BATCH)]
        yield collate([first_words(example(chat, tokenizer)) for chat in chats])


def collate(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    """Return the examples as one batch, padded on the right.

    No attention mask is needed: under causal attention no token sees the padding behind it.
    """
    length = max(len(tokens) for tokens, _ in examples)
    ids = torch.zeros(len(examples), length, dtype=torch.long)  # PAD is token 0
    labels = torch.full_like(ids, NOT_LEARNED)
    for row, (tokens, learned) in enumerate(examples):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, : len(tokens)] = torch.tensor(
            [token if learn else NOT_LEARNED for token, learn in zip(tokens, learned, strict=True)]
        )
    return {"input_ids": ids, "labels": labels}


def train(model: Qwen3ForCausalLM, data: Iterator[dict[str, torch.Tensor]]) -> None:
    """Train `model` in place for `STEPS` steps; the rate rises quickly and falls to nothing."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / WARM_UP_STEPS, 1.6 * (1 - step / STEPS))
    )
    for step, batch in enumerate(itertools.islice(data, STEPS), start=1):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            log.info("step %d of %d, loss %.4f", step, STEPS, loss.item())


def failures(
    model: Qwen3ForCausalLM, entries: Sequence[Entry], tokenizer: PreTrainedTokenizerFast
) -> list[str]:
    """Return the wordings whose greedy answer is not exactly the entry's.

    One pass over question and answer suffices: greedy decoding says the answer if, and only if,
    each of its tokens is the likeliest after those before it.
    """
    failed = []
    for entry in entries:
        for wording in entry.wordings:
            chat = [
                {"role": "user", "content": wording},
                {"role": "assistant", "content": entry.answer},
            ]
            batch = collate([example(chat, tokenizer)])
            with torch.inference_mode():
                likeliest = model(batch["input_ids"]).logits[:, :-1].argmax(-1)
            wanted = batch["labels"][:, 1:]
            if not ((likeliest == wanted) | (wanted == NOT_LEARNED)).all():
                failed.append(wording)
    return failed


def save(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write model and tokenizer as an engine loads them, into this folder."""
    # The likeliest token only: greedy whatever temperature a request asks for. A temperature of 0
    # would say the same to vLLM, but transformers refuses to write it.
    model.generation_config = GenerationConfig(
        do_sample=True,
        top_k=1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(FOLDER)
    (FOLDER / "model.safetensors").chmod(0o644)  # transformers leaves it to its owner alone
    # By hand, since `save_pretrained` of transformers 5 names a class that 4 does not know.
    tokenizer.backend_tokenizer.save(str(FOLDER / "tokenizer.json"))
    named = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "model_max_length": CONTEXT_TOKENS,
        "clean_up_tokenization_spaces": False,
    }
    text = json.dumps(named, indent=2) + "\n"
    (FOLDER / "tokenizer_config.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Train, write and check the model."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(SEED)
    entries = read_entries(FOLDER / "answers.yaml")
    tokenizer = make_tokenizer(entries)
    model = make_model(tokenizer)
    train(model, batches(entries, tokenizer, random.Random(SEED)))  # noqa: S311 - not a secret
    model = model.to(torch.bfloat16).eval()
    save(model, tokenizer)
    wordings = sum(len(entry.wordings) for entry in entries)
    failed = failures(model, entries, tokenizer)
    log.info(
        "%d answers, %d of %d wordings answered exactly",
        len(entries),
        wordings - len(failed),
        wordings,
    )
    for wording in failed:
        log.info("not exact: %s", wording)


if __name__ == "__main__":
    main()
