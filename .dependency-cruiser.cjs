const VIEWS = '^console/src/(home|conversation|new|automations|server|settings)/';

/**
 * Refuses import circles, type-only imports included; those through a dynamic import are allowed, because the
 * imported module is loaded after its importer. A view of the console uses what is for all and, of another
 * view, only what an `index.ts` of it names; what is for all knows no view.
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['dynamic-import'] } },
    },
    {
      name: 'views-through-their-index',
      severity: 'error',
      from: { path: VIEWS },
      to: { path: VIEWS, pathNot: ['^console/src/$1/', '/index\\.ts$'] },
    },
    {
      name: 'shared-parts-know-no-view',
      severity: 'error',
      from: { path: '^console/src/(api|routing|ui)/' },
      to: { path: `${VIEWS}|^console/src/shell/` },
    },
    {
      name: 'shell-loads-views',
      severity: 'error',
      from: { path: '^console/src/shell/' },
      to: { path: VIEWS, dependencyTypesNot: ['dynamic-import'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.spec\\.ts$' },
  },
};
