export { fetchUi, UiFetchError } from './fetch-ui.js';
export { Guides } from './guides.js';
export { fetchCommand, installedUi, uiPlace } from './installed-ui.js';
export { LandingPage } from './landing-page.js';
export { WebUi } from './web-ui.js';
