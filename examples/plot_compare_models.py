"""A dense network against convolutions
====================================

One call trains several models under the same conditions, with several seeds each, and answers two questions at once:
which is more accurate, and what does it cost? Here a dense network meets one with convolutions and half the weights.
"""

import convvision
from convvision.datasets import draw_fashion, from_arrays

data = from_arrays(*draw_fashion(5000), name="5,000 drawn garments")

# %%
# Two seeds a model already tell a real difference from a lucky start.
comparison = convvision.compare(["dense_128", "conv_16_16"], data, epochs=3, seeds=2, verbose=0)
print(comparison)

# %%
# A point a model. The bar is one standard deviation over the seeds, the number in the legend counts the weights.
comparison.plot()

# %%
# The same trainings by epoch.
comparison.plot_history()
