import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import sun.misc.Signal;

/** What the lab reads on standard output, and the signal that it sends. */
final class Events {
  /** Readings that came too late for their window. */
  static final LongAdder LATE = new LongAdder();

  private static volatile boolean ready;

  private Events() {}

  static void version(String system, String version, Map<String, ?> settings)
      throws IOException {
    StringWriter out = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("event", "version");
      json.writeStringField("system", system);
      json.writeStringField("version", version);
      json.writeObjectFieldStart("settings");
      for (var entry : new TreeMap<>(settings).entrySet()) {
        json.writeStringField(entry.getKey(), entry.getValue().toString());
      }
      json.writeEndObject();
      json.writeEndObject();
    }
    line(out.toString());
  }

  static boolean isReady() {
    return ready;
  }

  static void ready() {
    ready = true;
    line("{\"event\":\"ready\"}");
  }

  static void stopped() {
    line("{\"event\":\"stopped\",\"late\":" + LATE.sum() + "}");
  }

  private static synchronized void line(String text) {
    System.out.println(text);
    System.out.flush();
  }

  /** Counted down by SIGTERM or SIGINT. Not a shutdown hook: those of the
      libraries would run at the same time and pull the floor away. */
  static void onSignal(CountDownLatch end) {
    for (String name : new String[] {"TERM", "INT"}) {
      Signal.handle(new Signal(name), signal -> end.countDown());
    }
  }
}
