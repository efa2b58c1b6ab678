// Activation functions, number by number, and the softmax.

const FUNCTIONS = {
  relu: ({ slope, limit, threshold }) => (x) =>
    x >= threshold ? (limit === null ? x : Math.min(x, limit)) : slope * (x - threshold),
  leaky_relu: ({ slope }) => (x) => (x >= 0 ? x : slope * x),
  relu6: () => (x) => Math.min(Math.max(x, 0), 6),
  elu: ({ alpha }) => (x) => (x > 0 ? x : alpha * Math.expm1(x)),
  selu: () => (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  gelu: () => (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: () => (x) => x * sigmoid(x),
  sigmoid: () => sigmoid,
  tanh: () => Math.tanh,
  softplus: () => (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: () => (x) => x / (1 + Math.abs(x)),
  exponential: () => Math.exp,
  hard_sigmoid: () => hardSigmoid,
  hard_silu: () => (x) => x * hardSigmoid(x),
};

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

function hardSigmoid(x) {
  return Math.min(Math.max(x / 6 + 0.5, 0), 1);
}

// Abramowitz and Stegun (1964), 7.1.26: off by at most 1.5e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

// Gives the function of one number; null for a softmax, which looks at all of them.
export function pointwise(activation) {
  return activation.name === "softmax" ? null : FUNCTIONS[activation.name](activation);
}

export function softmax(values, start, count) {
  let largest = -Infinity;
  for (let i = start; i < start + count; i++) largest = Math.max(largest, values[i]);
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += values[i] = Math.exp(values[i] - largest);
  for (let i = start; i < start + count; i++) values[i] /= sum;
}

// Applies an activation to all numbers, in place; a softmax over the last axis, which has `channels` numbers.
export function activate(activation, values, channels) {
  if (activation.name === "softmax") {
    for (let start = 0; start < values.length; start += channels) softmax(values, start, channels);
  } else if (activation.name === "relu" && activation.slope === 0 && activation.limit === null && !activation.threshold) {
    for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
  } else {
    const apply = pointwise(activation);
    for (let i = 0; i < values.length; i++) values[i] = apply(values[i]);
  }
}
