// Command yaml-reference prints how Kubernetes reads YAML: each document of standard input as one line of JSON, by the
// library that kubectl and the API server's clients use, or {"error": "..."} where it refuses. Tests compare with it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func main() {
	input := bufio.NewReader(os.Stdin)
	documents := utilyaml.NewYAMLReader(input)
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			refuse(err)
			return
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		if text, err := yaml.YAMLToJSON(document); err != nil {
			refuse(err)
		} else {
			fmt.Println(string(text))
		}
	}
}

func refuse(err error) {
	text, _ := json.Marshal(map[string]string{"error": err.Error()})
	fmt.Println(string(text))
}
