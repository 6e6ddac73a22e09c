console.log('image: ##vso[task.setprogress value=100]nginx');
