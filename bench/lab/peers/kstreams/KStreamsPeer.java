import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KafkaStreams.State;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** The lab's job in Kafka Streams. */
public final class KStreamsPeer {
  private static final Duration CLOSE = Duration.ofSeconds(15);

  private KStreamsPeer() {}

  public static void main(String[] arguments) throws Exception {
    Options options = new Options(arguments);
    Properties settings = settings(options);
    Map<String, Object> shown = new HashMap<>();
    settings.forEach((name, value) -> shown.put((String) name, value));
    Events.version("kafka-streams", AppInfoParser.getVersion(), shown);
    CountDownLatch end = new CountDownLatch(1);
    AtomicBoolean failed = new AtomicBoolean();
    Events.onSignal(end);

    KafkaStreams streams = new KafkaStreams(topology(options), settings);
    AtomicBoolean ready = new AtomicBoolean();
    streams.setStateListener((now, before) -> {
      if (now == State.RUNNING && !ready.getAndSet(true)) Events.ready();
      if (now == State.ERROR) end.countDown();
    });
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      failed.set(true);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    end.await();
    // It leaves the group, so that whoever follows need not wait for it.
    boolean closed = streams.close(CloseOptions.timeout(CLOSE)
        .withGroupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP));
    Events.stopped();
    System.exit(closed && !failed.get() ? 0 : 1);
  }

  private static Properties settings(Options options) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, options.group);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, options.stateDir.toString());
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG,
        Integer.toString(options.threads));
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG,
        Long.toString(options.intervalMs));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"),
        "earliest");
    settings.putAll(options.settings);
    return settings;
  }

  private static Topology topology(Options options) {
    KeyValueBytesStoreSupplier kind = options.rocksdb
        ? Stores.persistentKeyValueStore(WindowProcessor.STORE)
        : Stores.inMemoryKeyValueStore(WindowProcessor.STORE);
    StoreBuilder<KeyValueStore<String, Vehicle>> store = Stores
        .keyValueStoreBuilder(kind, Serdes.String(), new VehicleSerde())
        .withCachingEnabled();  // With a changelog by default.
    Deserializer<Reading> json = (topic, bytes) -> parse(bytes);
    return new Topology()
        .addSource("in", new ByteArrayDeserializer(), json, options.input)
        .addProcessor("windows", WindowProcessor::new, "in")
        .addStateStore(store, "windows")
        .addSink("out", options.output, new ByteArraySerializer(),
            new ByteArraySerializer(), "windows");
  }

  private static Reading parse(byte[] message) {
    try {
      return Reading.parse(message);
    } catch (IOException error) {
      throw new SerializationException(error);
    }
  }
}
