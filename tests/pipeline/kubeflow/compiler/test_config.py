import pytest

from components.errors import ConfigError
from pipeline import settings
from pipeline.kubeflow.compiler.config import KubeflowConfig, StepConfig


def read(text):
    return settings.build(KubeflowConfig, settings.read_yaml(text, "test.yaml"))


def test_a_whole_section_is_read():
    config = read(
        """
        image: registry.example/marketcast:1.0.0
        secrets:
          DATABASE_URL: {secret: database, key: url}
          DATABASE_PASSWORD: {secret: database, key: password, steps: [RunPublisher]}
        volumes:
          bars: {mount_path: /data, steps: [BarsExampleGen]}
        tolerations:
          gpu: {operator: Exists, effect: NoSchedule}
        steps:
          Trainer: {gpus: 1, memory_limit: 8Gi, node_selector: {pool: gpu}}
        """
    )
    assert config.full_image == "registry.example/marketcast:1.0.0"
    assert config.secrets["DATABASE_URL"].key == "url"
    assert config.step("Trainer").gpus == 1
    assert config.step("Pusher") == StepConfig()
    assert config.named_steps() == {"BarsExampleGen", "RunPublisher", "Trainer"}


def test_the_image_s_default_names_the_version():
    name, _, version = KubeflowConfig().full_image.partition(":")
    assert name == "marketcast"
    assert version[0].isdigit()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image: marketcast", "kubeflow.image must have a tag"),
        ("image: host:5000/marketcast", "kubeflow.image must have a tag"),
        ("image: marketcast:latest", "kubeflow.image must have a tag other than latest"),
        ("image_pull_policy: Sometimes", "kubeflow.image_pull_policy must be among Always"),
        ("steps: {Trainer: {memory_limit: 8GB}}", "memory_limit must be a quantity"),
        ("steps: {Trainer: {gpus: -1}}", "gpus must not be negative"),
        ("steps: {Trainer: {gpu: 1}}", "did you mean steps.Trainer.gpus?"),
        ("volumes: {bars: {mount_path: data}}", "mount_path must be an absolute path"),
        ("volumes: {bars: {}}", "volumes.bars.mount_path must be given"),
        ("secrets: {TOKEN: {secret: a}}", "secrets.TOKEN.key must be given"),
        ("tolerations: {gpu: {operator: Exists, value: a}}", "toleration value must be empty"),
        ("tolerations: {gpu: {effect: Never}}", "toleration effect must be among NoSchedule"),
    ],
)
def test_what_kubernetes_would_refuse_is_refused_here(text, complaint):
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert complaint in str(refused.value)


def test_an_image_by_its_digest_needs_no_tag():
    assert read("image: marketcast@sha256:0123").full_image == "marketcast@sha256:0123"


def test_results_are_kept_on_a_volume_that_every_step_mounts():
    text = """
        results_folder: /work/results
        volumes:
          work: {mount_path: /work, steps: [Trainer, Transform]}
          other: {mount_path: /workshop}
    """
    config = read(text)
    config.check_results_folder(["Trainer", "Transform"])
    KubeflowConfig().check_results_folder(["Trainer"])
    with pytest.raises(ConfigError) as refused:
        config.check_results_folder(["Trainer", "StatisticsGen"])
    assert "kubeflow.results_folder must lie on a volume that StatisticsGen mounts" in str(refused.value)
