/**
 * Runs before `npm start` and `npm test`: looks whether this Node will do, then makes sure of the rest.
 * Kept to syntax that Node 12 can parse, so that an old one gives this message and not a syntax error.
 */
const needed = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  console.error(`Tributary needs Node ${needed.join('.')} or newer; this is ${process.version} (${process.execPath}).`);
  process.exitCode = 1;
} else {
  import('./prepare.mjs')
    .then(({ prepare }) => prepare())
    .catch(error => {
      console.error(`\n${error.stack}`);
      process.exitCode = 1;
    });
}
