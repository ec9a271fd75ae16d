export { fetchUi, UiFetchError } from './fetch-ui.js';
export { Guides } from './guides.js';
export { installedUi, uiPlace } from './installed-ui.js';
export { WebUi } from './web-ui.js';
