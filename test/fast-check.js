// Properties are tried with the same cases in every run, so that one that fails tells of a change. TAPLINE_CHAOS=long tries others.
import fc from '../node_modules/fast-check/lib/fast-check.js';

if (process.env.TAPLINE_CHAOS !== 'long') fc.configureGlobal({ seed: 4 });

export default fc;
