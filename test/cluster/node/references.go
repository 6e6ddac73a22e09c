package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// source is a ConfigMap or Secret that a Pod cannot start without.
type source struct {
	kind, name, key string
}

// missingReference says what a container's environment refers to and is not there, in the kubelet's words; "" when nothing is.
func (n *node) missingReference(ctx context.Context, pod *corev1.Pod, container corev1.Container) string {
	wanted := []source{}
	add := func(kind, name, key string, optional *bool) {
		if optional == nil || !*optional {
			wanted = append(wanted, source{kind, name, key})
		}
	}
	for _, from := range container.EnvFrom {
		if from.ConfigMapRef != nil {
			add("configmap", from.ConfigMapRef.Name, "", from.ConfigMapRef.Optional)
		}
		if from.SecretRef != nil {
			add("secret", from.SecretRef.Name, "", from.SecretRef.Optional)
		}
	}
	for _, variable := range container.Env {
		if from := variable.ValueFrom; from != nil && from.ConfigMapKeyRef != nil {
			add("configmap", from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key, from.ConfigMapKeyRef.Optional)
		} else if from != nil && from.SecretKeyRef != nil {
			add("secret", from.SecretKeyRef.Name, from.SecretKeyRef.Key, from.SecretKeyRef.Optional)
		}
	}
	for _, one := range wanted {
		if message := n.missing(ctx, pod.Namespace, one); message != "" {
			return message
		}
	}
	return ""
}

// missingVolume is the same for ConfigMap and Secret volumes, with the volume's name.
func (n *node) missingVolume(ctx context.Context, pod *corev1.Pod) (volume, message string) {
	for _, v := range pod.Spec.Volumes {
		one := source{}
		switch {
		case v.ConfigMap != nil && (v.ConfigMap.Optional == nil || !*v.ConfigMap.Optional):
			one = source{kind: "configmap", name: v.ConfigMap.Name}
		case v.Secret != nil && (v.Secret.Optional == nil || !*v.Secret.Optional):
			one = source{kind: "secret", name: v.Secret.SecretName}
		default:
			continue
		}
		if message := n.missing(ctx, pod.Namespace, one); message != "" {
			return v.Name, message
		}
	}
	return "", ""
}

func (n *node) missing(ctx context.Context, namespace string, one source) string {
	keys := map[string]bool{}
	var err error
	if one.kind == "configmap" {
		var object *corev1.ConfigMap
		if object, err = n.client.CoreV1().ConfigMaps(namespace).Get(ctx, one.name, metav1.GetOptions{}); err == nil {
			for key := range object.Data {
				keys[key] = true
			}
		}
	} else {
		var object *corev1.Secret
		if object, err = n.client.CoreV1().Secrets(namespace).Get(ctx, one.name, metav1.GetOptions{}); err == nil {
			for key := range object.Data {
				keys[key] = true
			}
		}
	}
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("%s %q not found", one.kind, one.name)
	case err != nil:
		return err.Error()
	case one.key != "" && !keys[one.key]:
		kind := map[string]string{"configmap": "ConfigMap", "secret": "Secret"}[one.kind]
		return fmt.Sprintf("couldn't find key %s in %s %s/%s", one.key, kind, namespace, one.name)
	}
	return ""
}
