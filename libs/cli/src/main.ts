#!/usr/bin/env node
import process from 'node:process';
import { run } from './command/run.js';

const { stdout, stderr, env } = process;

process.exitCode = await run(process.argv.slice(2), {
  cwd: process.cwd(),
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  // https://no-color.org: any text that is not empty.
  hasColours: stdout.isTTY && stderr.isTTY && !env['NO_COLOR'],
});
