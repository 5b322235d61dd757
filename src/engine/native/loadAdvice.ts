/** What to do about a dynamic linker's complaint. */
export function loadAdvice(reason: string): string {
  if (/GLIBC(XX)?_|CXXABI_/.test(reason)) return 'The system’s C library is older than TensorFlow needs: use a newer distribution (glibc 2.27 or newer), or `engine.backend: cpu`.';
  if (/cannot open shared object|image not found|Library not loaded/i.test(reason)) return 'A library that it needs is gone: run `distill-lab setup --force`.';
  if (/wrong ELF class|invalid ELF header|incompatible architecture|not a valid Win32/i.test(reason)) return 'It was built for another processor: run `distill-lab setup --force` on this machine.';
  return 'Run `distill-lab setup --force` to build it anew.';
}
