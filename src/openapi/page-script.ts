/**
 * The script that starts Swagger UI. A text, because it runs in the browser: the build would compile a
 * function for Node. The plug-in uses the API that
 * https://swagger.io/docs/open-source-tools/swagger-ui/customization/plugin-api describes.
 */
export const PAGE_SCRIPT = `'use strict';

/** Whether a text contains the phrase of the filter box, in any case. */
const contains = (text, phrase) => String(text ?? '').toLowerCase().includes(phrase.toLowerCase());

/** Groups whose name contains the phrase, and of the others the operations whose path or summary does. */
function opsFilter(groups, phrase) {
  const matches = (entry) =>
    contains(entry.get('path'), phrase) || contains(entry.getIn(['operation', 'summary']), phrase);
  return groups
    .map((group, name) =>
      contains(name, phrase) ? group : group.update('operations', (entries) => entries.filter(matches)),
    )
    .filter((group) => group.get('operations').size > 0);
}

/** Expands the groups that the filter leaves. */
const isShown = (original) => (state, thing, initial) => {
  const phrase = state.get('filter');
  const isFiltered = typeof phrase === 'string' && phrase !== '' && thing[0] === 'operations-tag';
  return original(thing, isFiltered || initial);
};

/** Shows optional headers behind the body, because they are needed least. */
const parameters = (Original, { React }) => (props) => {
  const isHeader = (parameter) => parameter.get('in') === 'header';
  const headers = props.parameters.filter(isHeader);
  if (headers.size === 0) return React.createElement(Original, props);
  const others = { ...props, parameters: props.parameters.filterNot(isHeader) };
  const operation = props.operation.delete('requestBody').delete('callbacks');
  return React.createElement(
    'div',
    null,
    React.createElement(Original, others),
    React.createElement(
      'details',
      { className: 'optional-headers' },
      React.createElement('summary', null, 'Optional headers (' + headers.size + ')'),
      React.createElement(Original, { ...props, parameters: headers, operation }),
    ),
  );
};

// Swagger UI has a dark style, and leaves its choice to the page.
const dark = matchMedia('(prefers-color-scheme: dark)');
const followColorScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', followColorScheme);
followColorScheme();

SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: true,
  filter: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  onComplete: () => {
    document.querySelector('.operation-filter-input').placeholder = 'Filter by group, path or summary';
  },
  plugins: [
    {
      fn: { opsFilter },
      wrapComponents: { parameters },
      statePlugins: { layout: { wrapSelectors: { isShown } } },
    },
  ],
});
`;
