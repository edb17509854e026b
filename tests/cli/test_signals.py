"""What ends a program in the foreground."""

from __future__ import annotations

import os
import signal

import pytest

from aim_jupyter.cli import signals


def test_a_signal_is_an_interrupt_once_something_can_be_stopped() -> None:
    with signals.told():
        os.kill(os.getpid(), signal.SIGTERM)  # noted, and nothing more
        with pytest.raises(KeyboardInterrupt), signals.armed():
            pytest.fail("it went on")
    with signals.told(), pytest.raises(KeyboardInterrupt), signals.armed():
        signal.raise_signal(signal.SIGHUP)


def test_a_second_one_does_not_interrupt_the_clean_up() -> None:
    with signals.told():
        try:
            with signals.armed():
                os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            pytest.fail("it was not interrupted")


def test_all_is_as_before_afterwards_and_what_was_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.told():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
