"""What the vendor's tools print, read without trusting any one version of them.

One module per tool, each a pure function from text to `Report`. A tool is a second opinion: where
there is a KFD topology, that wins (`enrichment`); where there is only a tool's output, it stands
alone and says so in `Gpu.source` (`capture`).
"""
