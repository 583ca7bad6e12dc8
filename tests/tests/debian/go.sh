# packages: golang-go ca-certificates
# Go: build, vet, test; goroutines, channels, signals, child processes, a server.
export GOFLAGS=-mod=mod GO111MODULE=on HOME=$PWD GOTOOLCHAIN=local GOPROXY=off LC_ALL=C
mkdir m; cd m; printf 'module example.org/case\n\ngo 1.19\n' > go.mod
cat > main.go <<'END'
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

type node struct{ left, right *node }

func tree(n int) *node {
	if n == 0 {
		return &node{}
	}
	return &node{tree(n - 1), tree(n - 1)}
}
func (t *node) count() int {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.count() + t.right.count()
}

// Sum is tested.
func Sum(n int) (s int) {
	for i := 1; i <= n; i++ {
		s += i
	}
	return
}

func main() {
	var wg sync.WaitGroup
	results := make(chan int, 10)
	for i := 0; i < 50; i++ {
		wg.Add(1)
		go func(i int) { defer wg.Done(); results <- Sum(i * 1000) }(i)
	}
	go func() { wg.Wait(); close(results) }()
	total := 0
	for r := range results {
		total += r
	}
	fmt.Println("sum", total)
	// Loops without calls are preempted by signals.
	done, spinning := make(chan bool), make(chan bool)
	for i := 0; i < 4; i++ {
		go func() {
			spinning <- true
			x := uint32(1)
			for x != 0 {
				x = x*5 + 1
				if x == 1 {
					break
				}
			}
			done <- true
		}()
	}
	for i := 0; i < 4; i++ {
		<-spinning
	}
	runtime.GC()
	fmt.Println("collected")
	for i := 0; i < 4; i++ {
		<-done
	}
	trees := 0
	for i := 0; i < 20; i++ {
		trees += tree(12).count()
	}
	fmt.Println("trees", trees)
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		var p *node
		fmt.Println(p.left)
	}()
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		a, i := []int{1, 2}, 5
		fmt.Println(a[i])
	}()
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		z := 0
		fmt.Println(1 / z)
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal", <-signals)
	out, err := exec.Command("sh", "-c", "echo child; exit 3").Output()
	var exit *exec.ExitError
	fmt.Printf("%q %v %v\n", out, err, errors.As(err, &exit))
	_, err = exec.Command("/no/such/program").Output()
	fmt.Println(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body); fmt.Fprint(w, r.URL.Path) }))
	response, err := http.Post(server.URL+"/path", "text/plain", strings.NewReader("body "))
	body, _ := io.ReadAll(response.Body)
	fmt.Println(string(body), err)
	server.Close()
	data, _ := json.Marshal(map[string]interface{}{"b": []float64{1.5, math.Pi, 1e21}, "a": "é"})
	fmt.Println(string(data))
	fmt.Printf("%x\n", sha256.Sum256(bytes.Repeat(data, 1000)))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(bytes.Repeat(data, 1000))
	w.Close()
	fmt.Printf("%x\n", sha256.Sum256(z.Bytes()))
	fmt.Println(new(big.Int).Exp(big.NewInt(3), big.NewInt(400), nil))
	fmt.Println(regexp.MustCompile(`(\w+)@(\w+)`).FindAllString("a@b c@d", -1), math.Sqrt(2), math.Sin(1e6), math.Inf(-1), math.FMA(1.1, 2.2, 3.3))
	words := strings.Fields("the quick brown fox jumps over the lazy dog")
	sort.Strings(words)
	fmt.Println(words)
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("timer")
	case <-make(chan int):
	}
	panic("ends")
}
END
printf 'package main\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {\n\tif Sum(100) != 5050 {\n\t\tt.Fatal(Sum(100))\n\t}\n}\n\nfunc FuzzSum(f *testing.F) {\n\tf.Add(3)\n\tf.Fuzz(func(t *testing.T, n int) {\n\t\tif n < 0 || n > 1000 {\n\t\t\treturn\n\t\t}\n\t\tif Sum(n) != n*(n+1)/2 {\n\t\t\tt.Fatal(n)\n\t\t}\n\t})\n}\n' > main_test.go
go vet .; echo "vet: $?"; gofmt -l .; go build -o case .; echo "build: $?"; ./case 2> err; echo $?; head -1 err; CGO_ENABLED=0 go build -ldflags -s -o static . && ./static 2> err | tail -1
go test . 2>&1 | sed 's/\t[0-9.(].*//'; go test -fuzz=Fuzz -fuzztime=50x . > log 2>&1; echo "fuzz: $?"; go list -deps . | wc -l | sed 's/$//' > count; go env GOOS; printf 'package main\nfunc main() { x := 1 }\n' > ../bad.go; go run ../bad.go 2>&1 | tail -1; GOOS=freebsd GOARCH=386 go build -trimpath -o other . && sha256sum other
