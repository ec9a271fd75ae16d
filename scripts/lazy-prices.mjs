import { isDeepStrictEqual } from 'node:util';
import { runInThisContext } from 'node:vm';

/** The table in the package: the first statement of its one module. */
const TABLE = /^const (\w+) = (\[\n[\s\S]*?\n\])/;

/**
 * A plugin of the bundle: the table of prices has the models of each provider as a text, which is parsed when
 * that provider is asked for. A server talks to one or two of forty, and making the objects of all of them
 * took 14 ms of its first conversation instead of 4 (Node 24).
 */
export function lazyPrices() {
  return {
    name: 'lazy-prices',
    transform: {
      filter: { id: /@pydantic\/genai-prices\/dist\/index\.js$/ },
      handler(code) {
        const [statement, name, table] =
          TABLE.exec(code) ?? this.error('the table of prices is not where it was');
        const providers = runInThisContext(table);
        const written = `[${providers.map(providerCode).join(',\n')}]`;
        if (!isDeepStrictEqual(plain(runInThisContext(written)), providers))
          this.error('the table of prices is no plain data');
        return { code: `const ${name} = ${written}${code.slice(statement.length)}`, map: null };
      },
    },
  };
}

function providerCode({ models, ...provider }) {
  const text = JSON.stringify(models).replace(/[\\']/g, '\\$&');
  return `{
    ...${JSON.stringify(provider)},
    get models() {
      const value = JSON.parse('${text}');
      Object.defineProperty(this, 'models', { value });
      return value;
    },
  }`;
}

function plain(providers) {
  return providers.map((provider) => ({ ...provider }));
}
