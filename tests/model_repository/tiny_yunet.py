"""A tiny network with YuNet's tensors, for OpenCV: random weights, and faces wherever it likes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def yunet(folder: Path, name: str = "face_detection_yunet_2023mar.onnx") -> Path:
    """As opencv/face_detection_yunet: at strides of 8, 16 and 32, whether there is a face, whether it is one, its box, its five landmarks."""
    chance = np.random.default_rng(7)
    heads = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    nodes, weights, outputs = [], [], []
    for stride in (8, 16, 32):
        for head, width in heads.items():
            out = f"{head}_{stride}"
            kernel = chance.normal(size=(width, 3, stride, stride)).astype(np.float32) * (0.02 if width == 1 else 0.004) / stride
            weights += [numpy_helper.from_array(kernel, f"{out}_kernel"), numpy_helper.from_array(np.array([1, -1, width]), f"{out}_shape")]
            last = "Sigmoid" if width == 1 else "Identity"
            nodes += [
                onnx.helper.make_node("Conv", ["input", f"{out}_kernel"], [f"{out}_map"], kernel_shape=[stride] * 2, strides=[stride] * 2),
                onnx.helper.make_node("Transpose", [f"{out}_map"], [f"{out}_last"], perm=[0, 2, 3, 1]),
                onnx.helper.make_node("Reshape", [f"{out}_last", f"{out}_shape"], [f"{out}_rows"]),
                onnx.helper.make_node(last, [f"{out}_rows"], [out]),
            ]
            outputs.append(onnx.helper.make_tensor_value_info(out, onnx.TensorProto.FLOAT, [1, (320 // stride) ** 2, width]))
    pictures = onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, 3, 320, 320])
    graph = onnx.helper.make_graph(nodes, "yunet", [pictures], outputs, weights)
    folder.mkdir(exist_ok=True)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), folder / name)
    return folder
