"""The platform that the fake engine says it runs on."""


class _Cpu:
    def is_cpu(self) -> bool:
        return True


current_platform = _Cpu()
