"""Mistakes that a type checker finds before anything runs; each line names the error that it must be."""

import convvision
from convvision.datasets import from_folder
from convvision.models import conv

convvision.load_dataset("mnist", scale="units")  # error: arg-type
convvision.load_dataset("mnist", validation_split="a tenth")  # error: arg-type
convvision.load_datasets()  # error: attr-defined
classes = convvision.load_dataset("mnist").info.class_count  # error: attr-defined
convvision.train("conv_64_64", "mnist", epochs="five")  # error: arg-type
convvision.train("conv_64_64", "mnist").metrics["test_accuracy"].upper()  # error: attr-defined
convvision.register_model("wide_first")  # error: call-arg
conv(padding="full")  # error: arg-type
from_folder("flowers", color_mode="gray")  # error: arg-type
