"""8. Your own images
==================

A folder of pictures, one folder in it for each class: that is a data set. Here is one, with everything in it that
goes wrong in real ones.

**You will learn** to check a folder before you train on it, to train, and to have pictures named that are in no
folder.

**You need** half a minute. The pictures are drawn on the spot; put your own folder in their place.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import convvision
from convvision.datasets import check_dataset, from_folder

# %%
# A folder
# --------
# Three classes, in colours and sizes that differ as photographs do.
rng = np.random.default_rng(0)


def draw(shape):
    width, height = rng.integers(60, 100, 2)
    picture = Image.new("RGB", (width, height), tuple(rng.integers(150, 256, 3)))
    x, y, radius = rng.integers((25, 25, 14), (35, 35, 22)).tolist()
    pen, ink = ImageDraw.Draw(picture), tuple(rng.integers(0, 110, 3))
    if shape == "circle":
        pen.circle((x, y), radius, fill=ink)
    else:
        pen.regular_polygon((x, y, radius), {"triangle": 3, "square": 4}[shape], fill=ink)
    return picture


folder = Path(tempfile.mkdtemp()) / "shapes"
for shape in ("circle", "square", "triangle"):
    (folder / shape).mkdir(parents=True)
    for number in range(200):
        draw(shape).save(folder / shape / f"{number}.png")

# %%
# Checking
# --------
# And three mistakes: a file that is no picture, a picture that is there twice, and one that shows nothing.
(folder / "circle" / "broken.png").write_text("not a picture")
Image.open(folder / "circle" / "0.png").save(folder / "square" / "a_circle.png")
Image.new("RGB", (80, 80), "white").save(folder / "triangle" / "blank.png")
print(check_dataset(folder))

# %%
# The report names what it found. On the command line it is ``convvision datasets check FOLDER``. We take the three
# out; pairs that are nearly alike are no mistake here.
for mistake in ("circle/broken.png", "square/a_circle.png", "triangle/blank.png"):
    (folder / mistake).unlink()

# %%
# Reading
# -------
# Every picture becomes 28 × 28 pixels and grey; a fifth of each class is set apart for the test. ``pad`` keeps the
# proportions. Shapes need no colour; where it matters, ask for ``color_mode="rgb"``. Pixels that
# were decoded are kept for the next time; this folder is temporary, hence ``cache=False``.
data = from_folder(folder, image_size=(28, 28), color_mode="grayscale", aspect="pad", cache=False)
print(data)
convvision.visualize.plot_samples(data, per_class=8)

# %%
# Training
# --------
# A few hundred pictures take seconds, and want more epochs than 60,000.
run = convvision.train("conv_16_16", data, epochs=20, verbose=0)
print(f"{run.metrics['test_accuracy']:.1%} of {len(data.test)} test images are right")

# %%
# Predicting
# ----------
# A run knows its classes, and how pictures were read. It takes files of any size.
paths = [folder.parent / f"new_{shape}.png" for shape in data.info.class_names]
for path, shape in zip(paths, data.info.class_names, strict=True):
    draw(shape).save(path)
print(dict(zip([path.name for path in paths], map(str, run.predict(paths)), strict=True)))

# %%
# Saved, it is a folder that can be loaded again, here or on another machine.
saved = run.save(folder.parent / "my_run")
print(sorted(path.name for path in saved.iterdir()))
print(convvision.load_run(saved).predict(paths[0])[0])

# %%
# The same from the shell, for a folder ``my_pictures``:
#
# .. code-block:: console
#
#    $ convvision datasets check my_pictures
#    $ convvision train conv_16_16 --data my_pictures --epochs 20 --out shapes_run
#    $ convvision predict shapes_run new_circle.png
#
# A question to try
# -----------------
# Where does the network look? Ask ``convvision.visualize.grad_cam(run.model, data.test.images[::40])``, for one image
# of each class, and draw it with ``plot_attributions(..., class_names=data.info.class_names)``. The number over a map
# is the score of the class, before the softmax. Does it look at the shape or at the ground?
#
# .. dropdown:: Answer
#
#    It should look at outline and corners, since colour and ground were drawn at random. Where your own pictures were
#    taken in different places for different classes, it may well look at the ground: it takes whatever tells the
#    classes apart.
