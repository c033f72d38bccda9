// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// connect returns a client that is bound.
func connect(scope *instrument.Scope, url string) *instrument.Client {
	client, err := scope.Dial(context.Background(), url)
	if err == nil {
		err = client.Bind(context.Background(), ldaptest.CompanyService, ldaptest.CompanyServicePassword)
	}
	if err != nil {
		panic(err)
	}
	return client
}

// visit asks a handler for the page of a person, and prints what the recorder knows of that request.
func visit(scope *instrument.Scope, handler http.Handler) {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/people/ada", nil))
	for _, request := range scope.Recorder().Requests(0, 10) {
		if request.Kind == "http" {
			fmt.Println(request.Method, request.Route, request.Path, request.Status, "operations:", request.Operations)
		}
	}
}

func ExampleScope_Middleware() {
	url, stop := startCompany()
	defer stop()
	scope := instrument.New()
	client := connect(scope, url)
	defer client.Close(context.Background())

	mux := http.NewServeMux()
	mux.HandleFunc("GET /people/{name}", func(w http.ResponseWriter, r *http.Request) {
		result, err := client.Search(r.Context(), ada)
		fmt.Fprintln(w, result, err)
	})
	visit(scope, scope.Middleware(mux)) // directly around the mux, which knows the pattern
	// Output: GET /people/{name} /people/ada 200 operations: 1
}

func ExampleScope_Middleware_chi() {
	url, stop := startCompany()
	defer stop()
	scope := instrument.New()
	client := connect(scope, url)
	defer client.Close(context.Background())

	router := chi.NewRouter()
	router.Use(scope.Middleware)
	router.Get("/people/{name}", func(w http.ResponseWriter, r *http.Request) {
		result, err := client.Search(r.Context(), ada)
		fmt.Fprintln(w, result, err)
	})
	visit(scope, router)
	// Output: GET /people/{name} /people/ada 200 operations: 1
}

func ExampleScope_Middleware_gin() {
	url, stop := startCompany()
	defer stop()
	scope := instrument.New()
	client := connect(scope, url)
	defer client.Close(context.Background())

	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(func(c *gin.Context) { // gin keeps its pattern to itself
		instrument.WithRoute(c.Request.Context(), c.FullPath())
		c.Next()
	})
	engine.GET("/people/:name", func(c *gin.Context) {
		result, err := client.Search(c.Request.Context(), ada)
		c.String(http.StatusOK, "%v %v", result, err)
	})
	visit(scope, scope.Middleware(engine))
	// Output: GET /people/:name /people/ada 200 operations: 1
}
