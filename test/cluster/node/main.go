// Command node is a fake Kubernetes node for tests: it registers a Node, keeps it Ready, plays the kubelet for every Pod
// that the scheduler puts on it without running anything, and serves the Pods' logs. README.md lists how a test scripts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	name := flag.String("name", "node-1", "name of the Node object")
	port := flag.Int("port", 0, "loopback port of the TLS server for logs and token reviews")
	secretFile := flag.String("token-secret", "", "file with the secret that signs test users' tokens")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := run(ctx, *kubeconfig, *name, *port, *secretFile); err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig, name string, port int, secretFile string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // hundreds of Pods start at once; the API server has its own limits
	config.UserAgent = "kubelet/fake"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	secret, err := os.ReadFile(secretFile)
	if err != nil {
		return err
	}
	events := record.NewBroadcaster(record.WithContext(ctx))
	events.StartRecordingToSink(&typedv1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	defer events.Shutdown()
	n := &node{
		name:     name,
		port:     int32(port),
		client:   client,
		runs:     runTimes{runs: map[string]runTime{}},
		recorder: events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: name}),
	}
	pods := n.watchPods()
	// The API server asks the token review of this server, so it listens before the API server is there.
	stopped, err := serve(ctx, port, pods.store, &n.runs, secret)
	if err != nil {
		return err
	}
	if err := n.register(ctx); err != nil {
		return err
	}
	log.Printf("node %s is registered; logs and token reviews on 127.0.0.1:%d", name, port)
	go n.heartbeat(ctx)
	go pods.run(ctx)
	select {
	case <-ctx.Done():
		return nil
	case err := <-stopped:
		return err
	}
}
