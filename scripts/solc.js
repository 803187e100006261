#!/usr/bin/env node
// A `solc` for py-solc-x, Brownie and Forge where no native one can be had: npm's WebAssembly build of the same version.
// It knows what those callers use: --version, and --standard-json with its input in a file or on standard input.
// --base-path and --include-path say where imports are looked up; --allow-paths is accepted and restricts nothing.
'use strict';

const fs = require('fs');
const path = require('path');

const WITH_VALUE = new Set(['--base-path', '--include-path', '--allow-paths']);

function parse(argv) {
  const options = { version: false, standardJson: false, input: null, roots: [] };
  const rest = [...argv];
  while (rest.length) {
    let argument = rest.shift();
    const at = argument.startsWith('--') ? argument.indexOf('=') : -1;
    if (at > 0) {
      rest.unshift(argument.slice(at + 1));
      argument = argument.slice(0, at);
    }
    if (argument === '--version') options.version = true;
    else if (argument === '--standard-json') options.standardJson = true;
    else if (WITH_VALUE.has(argument)) {
      const value = rest.shift();
      if (argument !== '--allow-paths') options.roots.push(value);
    } else if (argument.startsWith('--')) fail(`unrecognised option '${argument}'`);
    else if (argument !== '-') options.input = argument;
  }
  return options;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

// The compiler asks for what its input's sources import but do not contain.
function reader(roots) {
  return (name) => {
    for (const root of roots.length ? roots : ['.']) {
      const file = path.resolve(root, name);
      if (fs.existsSync(file)) return { contents: fs.readFileSync(file, 'utf8') };
    }
    return { error: 'File not found.' };
  };
}

const options = parse(process.argv.slice(2));
if (!options.version && !options.standardJson) fail('This solc only knows --version and --standard-json.');

const solc = require('solc'); // 9 MB of WebAssembly: after the arguments are known to be good
if (options.version) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else {
  const input = fs.readFileSync(options.input === null ? 0 : options.input, 'utf8');
  process.stdout.write(solc.compile(input, { import: reader(options.roots) }));
}
