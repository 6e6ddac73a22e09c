console.log('##[success]done');
