import os


class Platform:
    def is_rocm(self) -> bool:
        return os.environ.get("STUB_PLATFORM") == "rocm"

    def is_cpu(self) -> bool:
        return os.environ.get("STUB_PLATFORM", "cpu") == "cpu"


current_platform = Platform()
