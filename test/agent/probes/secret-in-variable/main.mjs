console.log(`##vso[task.setvariable variable=password]${process.env.SECRET_DB_PASSWORD}`);
