/** The Swagger UI page. Relative links let it work below a path prefix of a proxy. */
export const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>OpenHands Agent Server</title>
    <link rel="icon" href="docs/assets/favicon-32x32.png">
    <link rel="stylesheet" href="docs/assets/swagger-ui.css">
    <style>
      /* The list of groups begins on the first screen. */
      .swagger-ui .info { margin: 20px 0 10px; }
      .swagger-ui .info hgroup.main { margin: 0 0 10px; }
      .swagger-ui .info .renderedMarkdown :is(p, ul) { margin: 8px 0; }
      .swagger-ui .scheme-container, html.dark-mode .swagger-ui .scheme-container
        { background: none; box-shadow: none; margin: 0; padding: 0; }
      html.dark-mode .swagger-ui .examples-select__section-label { color: #e4e6e6; }
      .swagger-ui .filter .operation-filter-input { border-width: 1px; margin: 10px 0; }
      .swagger-ui .optional-headers > summary { cursor: pointer; font-size: 14px; padding: 12px 20px; }
      .swagger-ui .optional-headers .opblock-section-header { display: none; }
      /* The description of the API shows the bodies of errors once. */
      .swagger-ui .response:is([data-code^="4"], [data-code^="5"]) .response-col_description > section,
      .swagger-ui .response:is([data-code^="4"], [data-code^="5"]) .model-example { display: none; }
    </style>
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/assets/swagger-ui-bundle.js"></script>
    <script src="docs/page.js"></script>
  </body>
</html>
`;
