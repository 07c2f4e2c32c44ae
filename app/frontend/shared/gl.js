// Programs of the graphics card.

// A program of two shaders, in use from now on; returns where its uniforms are, by name.
export function use(gl, vertex, fragment, uniforms) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  return Object.fromEntries(uniforms.map((name) => [name, gl.getUniformLocation(program, name)]));
}

export const letGo = (gl) => gl?.getExtension("WEBGL_lose_context")?.loseContext();
