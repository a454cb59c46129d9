"""Networks as ONNX graphs and TensorRT plans: `assay engines`, found through the entry point group `assay.engines`.

The only part of the gateway that knows torch; nothing else of the gateway imports it.
"""
