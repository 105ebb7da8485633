"""Beam in the process of the test, with the flags of the shipped configuration."""

BEAM_ARGUMENTS = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--sdk_container_image=none",  # TFX packs no archive of itself; see pipeline.config.
)
