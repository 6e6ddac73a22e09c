const token = Buffer.from(
  process.env[`ENDPOINT_AUTH_PARAMETER_${process.env.INPUT_CLUSTER}_APITOKEN`],
  'base64',
).toString();
console.log(`connecting with ${token}`);
