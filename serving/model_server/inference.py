"""Classify, Regress and MultiInference, for models that have such signatures.

Source: classifier.cc, regressor.cc, multi_inference.cc and util.cc of TensorFlow Serving: the rules, and the
words of the refusals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
from tensorflow_serving.apis import classification_pb2, inference_pb2, input_pb2, regression_pb2

from components import contract
from serving.model_server.request_error import RequestError, refuse
from serving.model_server.servable import Servable
from serving.tensors import Array

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
INPUTS = "inputs"
CLASSES = "classes"
SCORES = "scores"
OUTPUTS = "outputs"


def classify(
    servable: Servable, request: classification_pb2.ClassificationRequest
) -> classification_pb2.ClassificationResponse:
    """Classes and scores of each example.

    Raises:
      RequestError: the signature is no classification, or the request has no example.
      tf.errors.OpError: the graph refuses.
    """
    name, signature = _find_signature(servable, request.model_spec, CLASSIFY_METHOD, "classification")
    tensors = _classification_tensors(signature)
    examples = read_examples(request.input)
    outputs = servable.run_tensors({signature.inputs[INPUTS].name: examples}, list(tensors.values()))
    response = classification_pb2.ClassificationResponse()
    _describe(servable, request.model_spec.name, name, response)
    _write_classes(_by_alias(tensors, outputs), len(examples), response.result)
    return response


def regress(
    servable: Servable, request: regression_pb2.RegressionRequest
) -> regression_pb2.RegressionResponse:
    """One number for each example.

    Raises:
      RequestError: the signature is no regression, or the request has no example.
      tf.errors.OpError: the graph refuses.
    """
    name, signature = _find_signature(servable, request.model_spec, REGRESS_METHOD, "regression")
    tensors = _regression_tensors(signature)
    examples = read_examples(request.input)
    outputs = servable.run_tensors({signature.inputs[INPUTS].name: examples}, list(tensors.values()))
    response = regression_pb2.RegressionResponse()
    _describe(servable, request.model_spec.name, name, response)
    _write_values(_by_alias(tensors, outputs), len(examples), response.result)
    return response


def infer(
    servable: Servable, request: inference_pb2.MultiInferenceRequest
) -> inference_pb2.MultiInferenceResponse:
    """Several classifications and regressions of the same examples, in one run.

    Raises:
      RequestError: the tasks do not fit together or the model.
      tf.errors.OpError: the graph refuses.
    """
    chosen = _choose_tasks(servable, request)
    (fed,) = {signature.inputs[INPUTS].name for _, signature, _ in chosen} or {""}
    examples = read_examples(request.input)
    wanted = [tensor for _, _, tensors in chosen for tensor in tensors.values()]
    outputs = servable.run_tensors({fed: examples}, wanted)
    response = inference_pb2.MultiInferenceResponse()
    for task, (name, _, tensors) in zip(request.tasks, chosen, strict=True):
        result = response.results.add()
        _describe(servable, task.model_spec.name, name, result)
        if task.method_name == CLASSIFY_METHOD:
            _write_classes(_by_alias(tensors, outputs), len(examples), result.classification_result)
        else:
            _write_values(_by_alias(tensors, outputs), len(examples), result.regression_result)
    return response


def read_examples(message: input_pb2.Input) -> Array:
    """Serialized tf.Examples [examples] of a request; a context is merged into each.

    Raises:
      RequestError: there is none.
    """
    kind = message.WhichOneof("kind")
    if kind is None or not (examples := getattr(message, kind).examples):
        raise refuse("Input is empty.")
    # Serialized messages, one behind the other, are the serialized message of both.
    context = message.example_list_with_context.context.SerializeToString() if "context" in kind else b""
    found = np.empty(len(examples), object)
    found[:] = [context + example.SerializeToString() for example in examples]
    return found


def _choose_tasks(servable: Servable, request: Any) -> list[tuple[str, Any, dict[str, str]]]:
    """Signature's name, signature and output tensors by alias of each task."""
    if len({task.model_spec.name for task in request.tasks}) > 1:
        raise refuse("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
    chosen: list[tuple[str, Any, dict[str, str]]] = []
    for task in request.tasks:
        name = task.model_spec.signature_name or contract.DEFAULT_SIGNATURE
        if name in (other for other, _, _ in chosen):
            raise refuse(f"Duplicate evaluation of signature: {name}")
        if name not in servable.signature_defs:
            raise refuse(f"Requested signature not found in model graph: {name}")
        if task.method_name not in _TENSORS:
            raise RequestError(
                grpc.StatusCode.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}"
            )
        signature = servable.signature_defs[name]
        chosen.append((name, signature, _TENSORS[task.method_name](signature)))
    if len({signature.inputs[INPUTS].name for _, signature, _ in chosen}) > 1:
        raise refuse("Input tensor must be the same for all Signatures.")
    return chosen


def _find_signature(servable: Servable, spec: Any, method: str, kind: str) -> tuple[str, Any]:
    name = spec.signature_name or contract.DEFAULT_SIGNATURE
    if name not in servable.signature_defs:
        raise refuse(f"No signature was found with the name: {name}")
    signature = servable.signature_defs[name]
    _check_method(signature, method, kind)
    return name, signature


def _check_method(signature: Any, method: str, kind: str) -> None:
    if signature.method_name != method:
        raise refuse(f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}")


def _check_one_input(signature: Any, kind: str) -> None:
    if len(signature.inputs) != 1:
        raise refuse("Expected one input Tensor.")
    if INPUTS not in signature.inputs:
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION, f"No {kind} inputs found in SignatureDef: {signature}"
        )


def _classification_tensors(signature: Any) -> dict[str, str]:
    """Alias -> tensor of a classification's outputs."""
    _check_method(signature, CLASSIFY_METHOD, "classification")
    _check_one_input(signature, "classification")
    if len(signature.outputs) not in (1, 2):
        raise refuse(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    tensors = {
        alias: signature.outputs[alias].name for alias in (CLASSES, SCORES) if alias in signature.outputs
    }
    if not tensors:
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f'Expected classification signature outputs to contain at least one of "{CLASSES}" or '
            f'"{SCORES}". Signature was: {signature}',
        )
    return tensors


def _regression_tensors(signature: Any) -> dict[str, str]:
    """Alias -> tensor of a regression's output."""
    _check_method(signature, REGRESS_METHOD, "regression")
    _check_one_input(signature, "regression")
    if len(signature.outputs) != 1:
        raise refuse("Expected one output Tensor.")
    if OUTPUTS not in signature.outputs:
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION, f"No regression outputs found in SignatureDef: {signature}"
        )
    return {OUTPUTS: signature.outputs[OUTPUTS].name}


_TENSORS = {CLASSIFY_METHOD: _classification_tensors, REGRESS_METHOD: _regression_tensors}


def _by_alias(tensors: Mapping[str, str], outputs: Mapping[str, Array]) -> dict[str, Array]:
    return {alias: outputs[tensor] for alias, tensor in tensors.items()}


def _write_classes(outputs: Mapping[str, Array], num_examples: int, result: Any) -> None:
    """Checks and writes a ClassificationResult."""
    for alias, array in outputs.items():
        if array.ndim != 2:
            raise refuse(f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}")
        if array.shape[0] != num_examples:
            raise refuse(f"Expected {alias} output batch size of {num_examples}. Got: {array.shape[0]}")
    if len({array.shape for array in outputs.values()}) > 1:
        sizes = " vs. ".join(str(array.shape[1]) for array in outputs.values())
        raise refuse(f"Tensors class and score should match in dim_size(1). Got {sizes}")
    num_classes = next(iter(outputs.values())).shape[1]
    for row in range(num_examples):
        classes = result.classifications.add().classes
        for column in range(num_classes):
            found = classes.add()
            if CLASSES in outputs:
                found.label = outputs[CLASSES][row, column]
            if SCORES in outputs:
                found.score = outputs[SCORES][row, column]


def _write_values(outputs: Mapping[str, Array], num_examples: int, result: Any) -> None:
    """Checks and writes a RegressionResult."""
    values = outputs[OUTPUTS]
    if values.ndim != 1 and (values.ndim != 2 or values.shape[1] != 1):
        raise refuse(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(values.shape)}"
        )
    if values.shape[0] != num_examples:
        raise refuse(
            f"Input batch size did not match output batch size: {num_examples} vs. {values.shape[0]}"
        )
    for value in values.ravel():
        result.regressions.add().value = value


def _describe(servable: Servable, model_name: str, signature_name: str, response: Any) -> None:
    """Writes which model answered."""
    response.model_spec.name = model_name
    response.model_spec.version.value = servable.version
    response.model_spec.signature_name = signature_name
