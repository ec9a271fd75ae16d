import path from 'node:path';
import { parseArgs } from 'node:util';

const OPTIONS = {
  model: { type: 'string' },
  'base-url': { type: 'string' },
  server: { type: 'string' },
  original: { type: 'string' },
  scripted: { type: 'boolean', default: false },
  'unconfined-checks': { type: 'boolean', default: false },
  tasks: { type: 'string' },
  repeats: { type: 'string', default: '1' },
  budget: { type: 'string', default: '10' },
  'run-budget': { type: 'string', default: '1' },
  price: { type: 'string' },
  'time-limit': { type: 'string', default: '600' },
  out: { type: 'string' },
};

/** A mistake in the command line. */
export class UsageError extends Error {}

/** Reads and checks the command line. @throws UsageError */
export function readOptions(args, env = process.env) {
  const values = parse(args);
  if (values.scripted === (values.model !== undefined))
    throw new UsageError('give --model PROVIDER/NAME, or --scripted to try the tasks without a model');
  const repeats = number(values, 'repeats');
  if (!Number.isInteger(repeats) || repeats > 100) throw new UsageError('--repeats is a number up to 100');
  const budget = number(values, 'budget');
  const runBudget = number(values, 'run-budget');
  if (budget < runBudget)
    throw new UsageError(`--budget ${budget} is less than what one run may cost (--run-budget ${runBudget})`);
  if (values.server !== undefined && !isHttpUrl(values.server))
    throw new UsageError('--server is a URL such as http://127.0.0.1:8000');
  const name = values.scripted ? 'scripted' : values.model.replace(/[^\w.-]+/g, '-');
  return {
    scripted: values.scripted,
    unconfinedChecks: values['unconfined-checks'],
    server: values.server,
    original: values.original,
    tasks: values.tasks?.split(',').map((task) => task.trim()),
    repeats,
    budget,
    price: values.price,
    limits: { seconds: number(values, 'time-limit'), usd: values.scripted ? undefined : runBudget },
    out: path.resolve(values.out ?? path.join('eval-results', name)),
    sessionKey: env.SESSION_API_KEY,
    llm: values.scripted ? undefined : readModel(values, env),
  };
}

function parse(args) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function number(values, name) {
  const value = Number(values[name]);
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError(`--${name} is a number above 0`);
  return value;
}

/** The key is that of the provider, for example ANTHROPIC_API_KEY, or EVAL_API_KEY. */
function readModel({ model, 'base-url': baseUrl, price }, env) {
  const provider = /^([a-z0-9_-]+)\/./i.exec(model)?.[1];
  if (provider === undefined) throw new UsageError('--model is PROVIDER/NAME');
  const variable = `${provider.toUpperCase().replaceAll('-', '_')}_API_KEY`;
  const key = env.EVAL_API_KEY ?? env[variable];
  if (!key && !baseUrl) throw new UsageError(`there is no key in ${variable} or EVAL_API_KEY`);
  return { model, ...(key && { api_key: key }), ...(baseUrl && { base_url: baseUrl }), ...readPrice(price) };
}

/** US dollars per million tokens. */
function readPrice(price) {
  if (price === undefined) return {};
  const [input, output, ...more] = price.split(',').map((text) => (text.trim() === '' ? NaN : Number(text)));
  if (!isPrice(input) || !isPrice(output) || more.length > 0)
    throw new UsageError('--price is IN,OUT in US dollars per million tokens');
  return { input_cost_per_token: input / 1e6, output_cost_per_token: output / 1e6 };
}

function isPrice(value) {
  return value >= 0 && Number.isFinite(value);
}

function isHttpUrl(text) {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
