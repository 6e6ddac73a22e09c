console.log(`deploying ${process.env.INPUT_NAME}`);
