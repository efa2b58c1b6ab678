// What each kind of step computes. Arrays are flat, channels last; `inputs` are arrays, `out` is filled.

export const OPERATIONS = {
  conv(step, [input], out, [[height, width, depth]]) {
    const { kernel: [tall, wide], strides, dilation, padding, groups } = step.options;
    const [rows, columns, filters] = step.shape;
    const { kernel, bias } = step.weights;
    const inGroup = depth / groups;
    const outGroup = filters / groups;
    const sums = new Float64Array(filters);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (bias) sums.set(bias);
        else sums.fill(0);
        for (let i = 0; i < tall; i++) {
          const y = row * strides[0] - padding[0] + i * dilation[0];
          if (y < 0 || y >= height) continue;
          for (let j = 0; j < wide; j++) {
            const x = column * strides[1] - padding[1] + j * dilation[1];
            if (x < 0 || x >= width) continue;
            const at = (y * width + x) * depth;
            const tap = (i * wide + j) * inGroup;
            for (let channel = 0; channel < depth; channel++) {
              const value = input[at + channel];
              // Behind a ReLU, most numbers are 0.
              if (value === 0) continue;
              const first = groups === 1 ? 0 : Math.floor(channel / inGroup) * outGroup;
              let weight = (tap + (groups === 1 ? channel : channel % inGroup)) * filters + first;
              for (let filter = first; filter < first + outGroup; filter++) sums[filter] += value * kernel[weight++];
            }
          }
        }
        out.set(sums, (row * columns + column) * filters);
      }
    }
  },

  depthwise(step, [input], out, [[height, width, depth]]) {
    const { bias, kernel } = step.weights;
    const channels = step.shape[2];
    const multiplier = channels / depth;
    eachWindow(step, height, width, (cell, taps) => {
      for (let channel = 0; channel < channels; channel++) {
        const source = Math.floor(channel / multiplier);
        let sum = bias ? bias[channel] : 0;
        for (const [at, tap] of taps) sum += input[at * depth + source] * kernel[tap * channels + channel];
        out[cell * channels + channel] = sum;
      }
    });
  },

  max_pool(step, [input], out, [[height, width, channels]]) {
    eachWindow(step, height, width, (cell, taps) => {
      for (let channel = 0; channel < channels; channel++) {
        let best = -Infinity;
        for (const [at] of taps) best = Math.max(best, input[at * channels + channel]);
        out[cell * channels + channel] = best;
      }
    });
  },

  // Padding is left out of the mean.
  average_pool(step, [input], out, [[height, width, channels]]) {
    eachWindow(step, height, width, (cell, taps) => {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (const [at] of taps) sum += input[at * channels + channel];
        out[cell * channels + channel] = sum / taps.length;
      }
    });
  },

  global_average(step, [input], out, [shape]) {
    const channels = shape.at(-1);
    const places = input.length / channels;
    const sums = new Float64Array(channels);
    for (let i = 0; i < input.length; i++) sums[i % channels] += input[i];
    for (let channel = 0; channel < channels; channel++) out[channel] = sums[channel] / places;
  },

  global_max(step, [input], out, [shape]) {
    const channels = shape.at(-1);
    out.fill(-Infinity);
    for (let i = 0; i < input.length; i++) out[i % channels] = Math.max(out[i % channels], input[i]);
  },

  // On the last axis, as Keras's.
  dense(step, [input], out, [shape]) {
    const { kernel, bias } = step.weights;
    const depth = shape.at(-1);
    const units = step.shape.at(-1);
    const sums = new Float64Array(units);
    for (let place = 0; place < input.length / depth; place++) {
      if (bias) sums.set(bias);
      else sums.fill(0);
      for (let i = 0; i < depth; i++) {
        const value = input[place * depth + i];
        if (value === 0) continue;
        for (let unit = 0, weight = i * units; unit < units; unit++) sums[unit] += value * kernel[weight++];
      }
      out.set(sums, place * units);
    }
  },

  affine(step, [input], out) {
    const { scale, shift } = step.weights;
    for (let i = 0; i < out.length; i++) out[i] = input[i] * scale[i % scale.length] + shift[i % scale.length];
  },

  // At each position, over all channels.
  layer_normalization(step, [input], out) {
    const { scale, shift } = step.weights;
    const count = scale.length;
    for (let start = 0; start < input.length; start += count) {
      const { mean, deviation } = momentsOf(input, start, count, step.options.epsilon);
      for (let i = 0; i < count; i++) out[start + i] = ((input[start + i] - mean) / deviation) * scale[i] + shift[i];
    }
  },

  prelu(step, [input], out) {
    const { slope } = step.weights;
    for (let i = 0; i < out.length; i++) out[i] = input[i] > 0 ? input[i] : input[i] * slope[i % slope.length];
  },

  activation: (step, [input], out) => out.set(input),
  identity: (step, [input], out) => out.set(input),

  // Moves rows, columns and channels; what comes from outside is 0.
  shift(step, [input], out, [[height, width, depth]]) {
    const [rows, columns, channels] = step.shape;
    const [top, left, first] = step.options.padding;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const y = row - top;
        const x = column - left;
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        for (let channel = 0; channel < channels; channel++) {
          const source = channel - first;
          const value = inside && source >= 0 && source < depth ? input[(y * width + x) * depth + source] : 0;
          out[(row * columns + column) * channels + channel] = value;
        }
      }
    }
  },

  upsample(step, [input], out, [[height, width, channels]]) {
    const [rows, columns] = step.shape;
    for (let row = 0; row < rows; row++) {
      const [top, bottom, down] = neighboursOf(step, 0, row, height);
      for (let column = 0; column < columns; column++) {
        const [left, right, across] = neighboursOf(step, 1, column, width);
        for (let channel = 0; channel < channels; channel++) {
          const at = (y, x) => input[(y * width + x) * channels + channel];
          const above = at(top, left) * (1 - across) + at(top, right) * across;
          const below = at(bottom, left) * (1 - across) + at(bottom, right) * across;
          out[(row * columns + column) * channels + channel] = above * (1 - down) + below * down;
        }
      }
    }
  },

  concatenate(step, inputs, out, shapes) {
    const channels = step.shape.at(-1);
    let first = 0;
    inputs.forEach((input, which) => {
      const depth = shapes[which].at(-1);
      for (let i = 0; i < input.length; i++) {
        out[Math.floor(i / depth) * channels + first + (i % depth)] = input[i];
      }
      first += depth;
    });
  },

  add: merged((a, b) => a + b),
  subtract: merged((a, b) => a - b),
  multiply: merged((a, b) => a * b),
  maximum: merged(Math.max),
  minimum: merged(Math.min),
  average(step, inputs, out, shapes) {
    OPERATIONS.add(step, inputs, out, shapes);
    for (let i = 0; i < out.length; i++) out[i] /= inputs.length;
  },
};

// Joins inputs number by number; one that has a number a channel is there for all positions.
function merged(join) {
  return (step, inputs, out) => {
    inputs.forEach((input, which) => {
      for (let i = 0; i < out.length; i++) {
        const value = input[i % input.length];
        out[i] = which ? join(out[i], value) : value;
      }
    });
  };
}

// Lists what a unit's window lies on, without padding: [position in the input, position in the kernel].
export function windowOf(step, row, column, height, width) {
  const { kernel: [tall, wide], strides, dilation, padding } = step.options;
  const taps = [];
  for (let i = 0; i < tall; i++) {
    const y = row * strides[0] - padding[0] + i * dilation[0];
    if (y < 0 || y >= height) continue;
    for (let j = 0; j < wide; j++) {
      const x = column * strides[1] - padding[1] + j * dilation[1];
      if (x >= 0 && x < width) taps.push([y * width + x, i * wide + j]);
    }
  }
  return taps;
}

// Gives the mean of some numbers and the square root of their variance and epsilon.
export function momentsOf(values, start, count, epsilon) {
  let mean = 0;
  for (let i = start; i < start + count; i++) mean += values[i] / count;
  let variance = 0;
  for (let i = start; i < start + count; i++) variance += (values[i] - mean) ** 2 / count;
  return { mean, deviation: Math.sqrt(variance + epsilon) };
}

// Gives the two rows (or columns) of the input between which one of an enlarged map lies, and how near it is to the second.
export function neighboursOf({ options: { size, interpolation } }, axis, place, side) {
  if (interpolation === "nearest") {
    const source = Math.floor(place / size[axis]);
    return [source, source, 0];
  }
  // Pixels are squares, whose centres are compared.
  const centre = Math.min(Math.max((place + 0.5) / size[axis] - 0.5, 0), side - 1);
  const first = Math.floor(centre);
  return [first, Math.min(first + 1, side - 1), centre - first];
}

function eachWindow(step, height, width, visit) {
  const [rows, columns] = step.shape;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      visit(row * columns + column, windowOf(step, row, column, height, width));
    }
  }
}
